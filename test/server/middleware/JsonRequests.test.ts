import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { OpenApi } from "effect/http-api"
import { Api } from "../../../src/api/Api.ts"
import * as Callers from "../../support/Callers.ts"
import { get, TestServer } from "../../support/TestServer.ts"

const METHODS = ["post", "put", "patch", "delete"] as const
const ID = "01980000-0000-7000-8000-000000000000"

/** Every operation of the contract that takes a body. */
const operations = Object.entries(OpenApi.fromApi(Api).paths).flatMap(([path, item]) =>
  METHODS.flatMap((method) =>
    item[method]?.requestBody === undefined
      ? []
      : [{ method: method.toUpperCase(), path: path.replace(/\{\w+\}/g, ID) }]
  )
)

const CONTENT_TYPES = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "nonsense"]

layer(TestServer.layer(), { excludeTestServices: true })("Bodies of requests", (it) => {
  it.effect("that are not JSON get a problem from every endpoint, whatever their Content-Type", () =>
    Effect.gen(function* () {
      assert.isAbove(operations.length, 30)
      const callers = [yield* Callers.user("user"), yield* Callers.user("administrator")]
      for (const { method, path } of operations) {
        for (const contentType of CONTENT_TYPES) {
          const responses = yield* Effect.forEach(callers, ({ authorization = "" }) =>
            get(path, { method, body: "{", headers: { authorization, "content-type": contentType } })
          )
          for (const response of responses) {
            const message = `${method} ${path} as ${contentType}: ${response.status}`
            assert.strictEqual(response.headers.get("content-type"), "application/problem+json", message)
            assert.include([400, 403, 404], response.status, message)
          }
          // One of the two may use the endpoint.
          assert.isTrue(
            responses.some(({ status }) => status !== 403),
            `${method} ${path} is for neither`
          )
        }
      }
    })
  )

  it.effect("that are JSON are read without a Content-Type, and with that of a form", () =>
    Effect.gen(function* () {
      const { authorization = "" } = yield* Callers.user("administrator")
      const body = JSON.stringify({ account: "999999999", amount: "1.00", reason: "Test" })
      for (const headers of [{}, { "content-type": "application/x-www-form-urlencoded" }]) {
        const { json } = yield* get("/api/v1/admin/ledger/adjustments", {
          method: "POST",
          body: new TextEncoder().encode(body),
          headers: { authorization, ...headers }
        })
        assert.deepInclude(json, { status: 404, code: "not-found" })
      }
    })
  )
})
