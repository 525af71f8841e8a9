import { assert, layer } from "@effect/vitest"
import { DateTime, Effect, Option } from "effect"
import { AssetCatalog } from "../../../../src/assets/AssetCatalog.ts"
import { RateIngest } from "../../../../src/rates/RateIngest.ts"
import { RateRepo } from "../../../../src/rates/RateRepo.ts"
import * as Callers from "../../../support/Callers.ts"
import { tick } from "../../../support/RateTicks.ts"
import { rate, TestProvider } from "../../../support/TestProvider.ts"
import { assertProblem, get, TestServer } from "../../../support/TestServer.ts"

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
        for (const [fields, allowed] of [
          [{ colour: "red" }, "colour"],
          [{ decimals: 19 }, "a whole number from 0 to 18"],
          [{ kind: "currency" }, "crypto"],
          [{ name: "" }, "1 to 100 printable characters"],
          [{ minimum_order: 0.5 }, "minimum_order"],
          [{ minimum_order: "-1" }, "plain decimal digits"],
          [{ state: "gone" }, "delisted"],
          [{ exchange_symbol: "A B" }, "1 to 50 letters"],
          [{ provider_symbols: { Massive: "ALL" } }, "provider_symbols"]
        ] as const) {
          const response = yield* send("PUT", "/api/v1/admin/assets/ALL.US", { ...stock, ...fields })
          assertProblem(response, 400, "invalid-request")
          assert.include(response.text, allowed)
        }
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

    it.effect("computes changes and series of the board from stored rates", () =>
      Effect.gen(function* () {
        const repo = yield* RateRepo
        const now = yield* DateTime.now
        const stored = [
          ["BTC", "USD", "40000", 47],
          ["BTC", "USD", "50000", 25],
          ["BTC", "USD", "60000", 13],
          ["USD", "KES", "100", 25],
          ["USD", "KES", "110", 13],
          ["USD", "KES", "120", 11]
        ] as const
        for (const [from, to, value, hours] of stored) {
          const at = DateTime.formatIso(DateTime.subtract(now, { hours }))
          yield* repo.insert(yield* tick(from, to, value, at))
        }
        for (const [from, to, value] of [
          ["BTC", "USD", "49385"],
          ["USD", "KES", "125"]
        ] as const) {
          yield* (yield* RateIngest).publish(yield* repo.insert(yield* tick(from, to, value)))
        }
        const btc = yield* get("/api/v1/board?base=btc&points=3")
        const [bitcoin] = btc.json["pairs"] as ReadonlyArray<Record<string, unknown>>
        assert.deepInclude(
          bitcoin,
          { from: "BTC", rate: "49385", change_24h: "-0.0123", polled: true },
          btc.text
        )
        assert.deepStrictEqual(bitcoin?.["series"], ["50000", "60000", "49385"])
        const usd = yield* get("/api/v1/board?base=USD&points=3")
        const pairs = usd.json["pairs"] as ReadonlyArray<Record<string, unknown>>
        const shilling = pairs.find(({ to }) => to === "KES")
        assert.deepInclude(shilling, { rate: "125", change_24h: "0.25", margin: "0.005" })
        assert.deepStrictEqual(shilling?.["series"], ["100", "110", "125"])
        assert.strictEqual((usd.json["times"] as ReadonlyArray<string>).length, 3)
      })
    )

    it.effect("has no price of a delisted asset, and keeps its history", () =>
      Effect.gen(function* () {
        yield* send("PUT", "/api/v1/admin/assets/SOL", { kind: "crypto", name: "Solana", decimals: 9 })
        const stored = yield* (yield* RateRepo).insert(yield* tick("SOL", "USD", "140.25"))
        yield* (yield* RateIngest).publish(stored)
        assert.strictEqual((yield* get("/api/v1/rates?from=SOL&to=USD")).status, 200)
        yield* send("DELETE", "/api/v1/admin/assets/SOL")
        const calls = yield* (yield* TestProvider).calls
        const problem = assertProblem(yield* get("/api/v1/rates?from=SOL&to=USD"), 503, "rate-unavailable")
        assert.include(String(problem["detail"]), "SOL is delisted, and only its history can be read")
        assertProblem(
          yield* get("/api/v1/rates?from=sol&to=usd&max_age=60%20seconds"),
          503,
          "rate-unavailable"
        )
        assert.strictEqual(yield* (yield* TestProvider).calls, calls)
        assert.notInclude((yield* get("/api/v1/rates/all")).text, "SOL")
        assert.include((yield* get("/api/v1/rates/history?from=SOL&to=USD")).text, "140.25")
        yield* send("PUT", "/api/v1/admin/assets/SOL", { kind: "crypto", name: "Solana", decimals: 9 })
        assert.strictEqual((yield* get("/api/v1/rates?from=SOL&to=USD")).status, 200)
      })
    )
  }
)
