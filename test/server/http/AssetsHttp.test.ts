import { assert, layer } from "@effect/vitest"
import { Effect, Option } from "effect"
import { AssetCatalog } from "../../../src/assets/AssetCatalog.ts"
import { RateRepo } from "../../../src/rates/RateRepo.ts"
import * as Callers from "../../support/Callers.ts"
import { tick } from "../../support/RateTicks.ts"
import { rate, TestProvider } from "../../support/TestProvider.ts"
import { assertProblem, get, TestServer } from "../../support/TestServer.ts"

/** Sends a request of an administrator. */
const send = (method: string, path: string, body?: object, headers: Record<string, string> = {}) =>
  Effect.flatMap(Callers.withScopes("admin"), ({ authorization }) =>
    get(path, {
      method,
      headers: { "content-type": "application/json", authorization, ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) })
    })
  )

const BITCOIN = { kind: "crypto", name: "Bitcoin", decimals: 8 }

layer(TestServer.layer({ RATE_SOURCES: "USD", RATE_DESTINATIONS: "NGN,KES" }), { excludeTestServices: true })(
  "Assets over HTTP",
  (it) => {
    it.effect("lists, changes and delists an asset, with its log", () =>
      Effect.gen(function* () {
        const path = "/api/v1/admin/assets/btc"
        const anonymous = { method: "PUT", body: JSON.stringify(BITCOIN) }
        assertProblem(yield* get(path, anonymous), 401, "unauthorized")
        const listed = yield* send("PUT", path, { ...BITCOIN, minimum_order: "0.0001" })
        assert.strictEqual(listed.status, 200, listed.text)
        assert.deepInclude(listed.json, { code: "BTC", minimum_order: "0.0001", tradable: true, version: 1 })
        const etag = listed.headers.get("etag") ?? assert.fail()
        assert.isTrue(Option.isSome((yield* AssetCatalog).find("BTC")))
        const changed = yield* send("PUT", path, BITCOIN, { "if-match": etag })
        assert.deepInclude(changed.json, { minimum_order: null, version: 2 })
        assertProblem(yield* send("PUT", path, BITCOIN, { "if-match": etag }), 412, "precondition-failed")
        const delisted = yield* send("DELETE", `${path}/`)
        assert.deepInclude(delisted.json, { state: "delisted", version: 3 })
        const log = yield* send("GET", `${path}/changes?page_size=2`)
        assert.strictEqual(log.json["has_more"], true)
        const assets = yield* get("/api/v1/assets?kind=crypto")
        assert.include(assets.text, '"code":"BTC"')
        assert.notInclude((yield* get("/api/v1/exchanges/crypto-currencies")).text, "BTC")
        yield* send("PUT", path, BITCOIN)
      })
    )

    it.effect("refuses reserved codes, unknown codes and malformed definitions", () =>
      Effect.gen(function* () {
        const stock = { kind: "stock", name: "Allstate", decimals: 9 }
        const refused = assertProblem(
          yield* send("PUT", "/api/v1/admin/assets/ALL", stock),
          422,
          "asset-refused"
        )
        assert.include(String(refused["detail"]), "such as ALL.US")
        assertProblem(yield* send("DELETE", "/api/v1/admin/assets/NONE"), 404, "not-found")
        for (const body of [
          { ...stock, decimals: 19 },
          { ...stock, kind: "currency" }
        ])
          assertProblem(yield* send("PUT", "/api/v1/admin/assets/ALL.US", body), 400, "invalid-request")
        assertProblem(yield* send("PUT", "/api/v1/admin/assets/1A", stock), 400, "invalid-request")
      })
    )

    it.effect("serves the price of an asset as a rate, and lists it", () =>
      Effect.gen(function* () {
        yield* (yield* RateRepo).insert(yield* tick("BTC", "USD", "50000"))
        const found = yield* get("/api/v1/rates?from=btc&to=usd")
        assert.deepInclude(found.json, { from: "BTC", to: "USD", rate: "50000" }, found.text)
        const [price] = JSON.parse((yield* get("/api/v1/exchanges/crypto-currencies")).text)
        assert.deepInclude(price, { name: "BTC", price: "50000.00", currency: "USD", change_24h: null })
        assertProblem(yield* get("/api/v1/rates?from=BTC&to=NGN"), 422, "unsupported-pair")
        const history = yield* get("/api/v1/rates/history?from=BTC&to=USD")
        assert.strictEqual(history.status, 200)
        assertProblem(yield* get("/api/v1/rates/history?from=ZZZZ&to=USD"), 422, "unsupported-currency")
        const conversion = { amount: "1", from_currency: "BTC", to_currency: "USD" }
        assertProblem(
          yield* get("/api/v1/convert", { method: "POST", body: JSON.stringify(conversion) }),
          422,
          "unsupported-currency"
        )
      })
    )

    it.effect("answers the board of a base, and 304 while it is the same", () =>
      Effect.gen(function* () {
        yield* (yield* TestProvider).respondWith(rate("1500.5"))
        yield* get("/api/v1/rates?from=USD&to=NGN")
        const board = yield* get("/api/v1/board?base=usd&points=4")
        const [pair] = board.json["pairs"] as ReadonlyArray<Record<string, unknown>>
        assert.deepInclude(pair, { from: "USD", to: "NGN", margin: "0.005", polled: true })
        assert.deepStrictEqual(pair?.["series"], [null, null, null, "1500.5"])
        const headers = { "if-none-match": board.headers.get("etag") ?? assert.fail() }
        assert.strictEqual((yield* get("/api/v1/board?base=USD&points=4", { headers })).status, 304)
        assertProblem(yield* get("/api/v1/board?points=1"), 400, "invalid-request")
      })
    )
  }
)
