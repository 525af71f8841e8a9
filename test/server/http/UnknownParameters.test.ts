import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import { OpenApi } from "effect/http-api"
import { Api } from "../../../src/api/Api.ts"
import * as ApiKey from "../../../src/domain/access/ApiKey.ts"
import * as Callers from "../../support/Callers.ts"
import { assertProblem, get, TestServer } from "../../support/TestServer.ts"

const ID = "01980000-0000-7000-8000-000000000000"
const STREAMS = new Set(["/api/v1/rates/stream", "/api/v1/accounts/events"])

/** Every documented GET with parameters in its query, but for Flutterwave's and streams. */
const operations = Object.entries(OpenApi.fromApi(Api).paths).flatMap(([path, { get: operation }]) => {
  const names = (operation?.parameters ?? []).flatMap((parameter) =>
    parameter.in === "query" ? [parameter.name] : []
  )
  return names.length === 0 || STREAMS.has(path) || path.startsWith("/api/rates") ? [] : [{ path, names }]
})

const required: Readonly<Record<string, string>> = {
  "/api/v1/rates": "from=USD&to=NGN",
  "/api/v1/rates/history": "from=USD&to=NGN",
  "/api/v1/rates/as-of": "from=USD&to=NGN&at=2026-11-21",
  "/api/v1/audit/consistency": "from=1&to=2",
  "/api/v1/orders/terms": "asset=BTC",
  "/api/v1/transfers/recipient": "to=ann",
  "/api/v1/accounts/wallet/at": "time=2026-11-21",
  "/api/v1/accounts/statement": "since=2026-11-21"
}

const idOf = (name: string) => (name === "code" ? "USD" : name === "account_id" ? "1" : ID)

layer(TestServer.layer(), { excludeTestServices: true })((it) => {
  describe("A query", () => {
    it.effect("is rejected if it has an unknown parameter, with the names of the allowed ones", () =>
      Effect.gen(function* () {
        assert.isAbove(operations.length, 30)
        const key = yield* Callers.withScopes(...ApiKey.Scope.literals)
        const user = yield* Callers.user("user")
        for (const { names, path } of operations) {
          const target = path.replace(/\{(\w+)\}/g, (_, name: string) => idOf(name))
          const query = [required[path] ?? "", "stat=pending"].join("&")
          const send = ({ authorization }: Callers.TestCaller) =>
            get(`${target}?${query}`, { headers: { authorization: authorization ?? "" } })
          const byKey = yield* send(key)
          const response = byKey.status === 400 ? byKey : yield* send(user)
          assertProblem(response, 400, "invalid-request")
          const detail = `is not a parameter; allowed: ${names.join(", ")}`
          assert.deepStrictEqual(response.json["errors"], [{ pointer: "/query/stat", detail }], path)
        }
      })
    )

    it.effect("is rejected with each error once", () =>
      Effect.gen(function* () {
        const response = yield* get("/api/v1/audit/conversions?since=soon&page_size=0&stat=1")
        assertProblem(response, 400, "invalid-request")
        const errors = response.json["errors"] as ReadonlyArray<{ readonly pointer: string }>
        assert.sameMembers(
          errors.map(({ pointer }) => pointer),
          ["/query/since", "/query/page_size", "/query/stat"]
        )
      })
    )

    it.effect("of Flutterwave's API or of a stream may have other parameters", () =>
      Effect.gen(function* () {
        const { url } = yield* TestServer
        const rate = yield* get("/api/rates/?source_currency=USD&destination_currency=NGN&_=17")
        assert.strictEqual(rate.status, 200, rate.text)
        const stream = yield* Effect.acquireRelease(
          Effect.promise(() => {
            const controller = new AbortController()
            return fetch(`${url}/api/v1/rates/stream?pairs=USD:NGN&lastEventId=`, {
              signal: controller.signal
            }).then(({ status }) => ({ status, controller }))
          }),
          ({ controller }) => Effect.sync(() => controller.abort())
        )
        assert.strictEqual(stream.status, 200)
      })
    )
  })
})
