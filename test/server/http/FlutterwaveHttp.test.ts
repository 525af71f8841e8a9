import { assert, describe, layer } from "@effect/vitest"
import { BigDecimal, Effect, Result } from "effect"
import * as ExactJson from "../../../src/domain/money/ExactJson.ts"
import { failing, rate, TestProvider } from "../../support/TestProvider.ts"
import { type ServerResponse, get, TestServer } from "../../support/TestServer.ts"

const assertFailure = (response: ServerResponse, status: number, message: string) => {
  assert.strictEqual(response.status, status, response.text)
  assert.strictEqual(response.headers.get("content-type"), "application/json")
  assert.strictEqual(response.text, JSON.stringify({ status: "error", message, data: null }))
}

/** Parses the numbers of a response with all of their digits. */
const numbersOf = ({ text }: ServerResponse) => {
  const digits = (name: string) => {
    const match = new RegExp(`"${name}":(?:\\{"currency":"\\w+","amount":)?([\\d.]+)[,}]`).exec(text)
    return BigDecimal.fromStringUnsafe(match?.[1] ?? assert.fail(`${name} in ${text}`))
  }
  return { rate: digits("rate"), source: digits("source"), destination: digits("destination") }
}

layer(TestServer.layer(), { excludeTestServices: true })((it) => {
  describe("GET /api/rates/all/", () => {
    it.effect("returns 503 without a database", () =>
      Effect.gen(function* () {
        const server = yield* TestServer
        yield* server.setDatabase("down")
        assertFailure(yield* get("/api/rates/all/"), 503, "Unable to fetch rates at the moment")
        yield* server.setDatabase("up")
      })
    )

    it.effect("returns no rates while none is known", () =>
      Effect.gen(function* () {
        const response = yield* get("/api/rates/all/")
        assert.strictEqual(response.text, '{"status":"success","base_currency":"USD","rates":{}}')
      })
    )

    it.effect("returns the latest rates of the base, by default USD", () =>
      Effect.gen(function* () {
        const provider = yield* TestProvider
        yield* provider.respondWith(rate("1500"))
        yield* get("/api/v1/rates?from=USD&to=NGN")
        yield* provider.respondWith(rate("1000.25"))
        yield* get("/api/v1/rates?from=CAD&to=NGN")
        yield* provider.respondWith(rate("400"))
        yield* get("/api/v1/rates?from=CAD&to=XOF")
        const dollars = yield* get("/api/rates/all/")
        assert.strictEqual(
          dollars.text,
          '{"status":"success","base_currency":"USD","rates":{"USD_NGN":{"rate":1500,"source":{"currency":"USD","amount":0.666666666666667},"destination":{"currency":"NGN","amount":1000}}}}'
        )
        for (const path of ["/api/rates/all/?base_currency=CAD", "/api/rates/all?base_currency=cad"]) {
          const response = yield* get(path)
          assert.strictEqual(response.headers.get("content-type"), "application/json")
          assert.strictEqual(
            response.text,
            '{"status":"success","base_currency":"CAD","rates":{"CAD_XOF":{"rate":400,"source":{"currency":"CAD","amount":2.5},"destination":{"currency":"XOF","amount":1000}},"CAD_NGN":{"rate":1000.25,"source":{"currency":"CAD","amount":0.999750062484379},"destination":{"currency":"NGN","amount":1000}}}}'
          )
          assert.isTrue(Result.isSuccess(ExactJson.parse(response.text)))
        }
      })
    )

    it.effect("rejects an unsupported base, and a repeated base", () =>
      Effect.gen(function* () {
        assertFailure(yield* get("/api/rates/all/?base_currency=JPY"), 422, '"JPY" is not supported')
        assertFailure(yield* get("/api/rates/all/?base_currency="), 422, '"" is not supported')
        const repeated = yield* get("/api/rates/all/?base_currency=USD&base_currency=CAD")
        assertFailure(repeated, 400, "base_currency must be given once")
      })
    )
  })

  describe("GET /api/rates/", () => {
    it.effect("responds in Flutterwave's format, with and without a trailing slash", () =>
      Effect.gen(function* () {
        const provider = yield* TestProvider
        yield* provider.respondWith(rate("1500"))
        for (const path of ["/api/rates/", "/api/rates"]) {
          const response = yield* get(`${path}?source_currency=USD&destination_currency=NGN`)
          assert.strictEqual(response.status, 200)
          assert.strictEqual(response.headers.get("content-type"), "application/json")
          assert.strictEqual(
            response.text,
            '{"status":"success","message":"Transfer rates fetched","data":{"rate":1500,"source":{"currency":"USD","amount":0.666666666666667},"destination":{"currency":"NGN","amount":1000}}}'
          )
        }
      })
    )

    it.effect("accepts the amount in the destination currency, and codes in any case", () =>
      Effect.gen(function* () {
        const provider = yield* TestProvider
        yield* provider.respondWith(rate("1500"))
        const response = yield* get("/api/rates/?source_currency=gbp&destination_currency=ngn&amount=3000.5")
        assert.include(response.text, '"source":{"currency":"GBP","amount":2.00033333333333}')
        assert.include(response.text, '"destination":{"currency":"NGN","amount":3000.5}')
      })
    )

    it.effect("formats numbers with all of their digits", () =>
      Effect.gen(function* () {
        const provider = yield* TestProvider
        yield* provider.respondWith(rate("1534.123456789012345678"))
        const response = yield* get(
          "/api/rates/?source_currency=EUR&destination_currency=NGN&amount=123456789012345678.99"
        )
        assert.include(response.text, '"rate":1534.123456789012345678,')
        assert.include(response.text, '"amount":123456789012345678.99}')
        yield* provider.respondWith(rate("0.00000000123"))
        const small = yield* get("/api/rates/?source_currency=EUR&destination_currency=KES")
        assert.include(small.text, '"rate":0.00000000123,')
      })
    )

    it.effect("keeps destination.amount = source.amount × rate", () =>
      Effect.gen(function* () {
        const provider = yield* TestProvider
        const cases = [
          ["XOF", "561.708468000001", "1"],
          ["EGP", "48.3987960000001", "0.01"],
          ["GHS", "0.000694329", "1000"],
          ["ZMW", "23.7", "999999999999.99"],
          ["UGX", "3620.123456789", "7"]
        ] as const
        for (const [to, text, amount] of cases) {
          yield* provider.respondWith(rate(text))
          const response = yield* get(
            `/api/rates/?source_currency=EUR&destination_currency=${to}&amount=${amount}`
          )
          const { destination, rate: found, source } = numbersOf(response)
          assert.deepStrictEqual(
            BigDecimal.format(found),
            BigDecimal.format(BigDecimal.fromStringUnsafe(text))
          )
          assert.isTrue(BigDecimal.equals(destination, BigDecimal.fromStringUnsafe(amount)))
          // `source.amount` has 15 significant digits.
          const error = BigDecimal.abs(BigDecimal.subtract(BigDecimal.multiply(source, found), destination))
          const allowed = BigDecimal.multiply(destination, BigDecimal.make(1n, 14))
          assert.isTrue(BigDecimal.isLessThanOrEqualTo(error, allowed), response.text)
        }
      })
    )

    it.effect("returns 400 for missing and repeated parameters", () =>
      Effect.gen(function* () {
        const cases = [
          ["", "source_currency is required"],
          ["?source_currency=USD", "destination_currency is required"],
          ["?destination_currency=NGN", "source_currency is required"],
          ["?source_currency=&destination_currency=NGN", "source_currency is required"],
          ["?source_currency=USD&destination_currency=", "destination_currency is required"],
          [
            "?source_currency=USD&source_currency=USD&destination_currency=NGN",
            "source_currency must be given once"
          ]
        ] as const
        for (const [query, message] of cases) assertFailure(yield* get(`/api/rates/${query}`), 400, message)
      })
    )

    it.effect("returns 400 for an invalid amount in the destination currency", () =>
      Effect.gen(function* () {
        const texts = [
          "0",
          "-1",
          "1e3",
          "NaN",
          "Infinity",
          "",
          "1,000",
          "0x10",
          "1.234",
          "1e999999999",
          "+1",
          "01"
        ]
        for (const text of [...texts, "1234567890123456789", "１０００"]) {
          const query = `source_currency=USD&destination_currency=NGN&amount=${encodeURIComponent(text)}`
          assertFailure(
            yield* get(`/api/rates/?${query}`),
            400,
            "amount must be a positive decimal; NGN allows 2 decimals"
          )
        }
        const francs = yield* get("/api/rates/?source_currency=USD&destination_currency=XOF&amount=1000.5")
        assertFailure(francs, 400, "amount must be a positive decimal; XOF allows 0 decimals")
      })
    )

    it.effect("returns 422 for unsupported currencies and pairs", () =>
      Effect.gen(function* () {
        const cases = [
          ["ZZZ", "NGN", '"ZZZ" is not supported'],
          ["USD", "XX", '"XX" is not supported'],
          ["USD", "JPY", "USD to JPY is not supported"],
          ["BTC", "USD", '"BTC" is not supported'],
          ["NGN", "NGN", "NGN to NGN is not supported"]
        ] as const
        for (const [from, to, message] of cases) {
          const response = yield* get(`/api/rates/?source_currency=${from}&destination_currency=${to}`)
          assertFailure(response, 422, message)
        }
      })
    )

    it.effect("returns 503 with Retry-After if there is no rate", () =>
      Effect.gen(function* () {
        const server = yield* TestServer
        const provider = yield* TestProvider
        yield* provider.respondWith(failing)
        const unknown = yield* get("/api/rates/?source_currency=EUR&destination_currency=MAD")
        assertFailure(unknown, 503, "Unable to fetch rates at the moment")
        assert.strictEqual(unknown.headers.get("retry-after"), "1")
        yield* server.setDatabase("down")
        const down = yield* get("/api/rates/?source_currency=EUR&destination_currency=ZAR")
        assertFailure(down, 503, "Unable to fetch rates at the moment")
        yield* server.setDatabase("up")
      })
    )

    it.effect("responds in Flutterwave's format to requests that reach no handler", () =>
      Effect.gen(function* () {
        const server = yield* TestServer
        for (const path of ["/api/rates/", "/api/rates", "/api/rates/all/", "/api/rates/all?x=1"]) {
          const response = yield* get(path, { method: "POST", body: "{}" })
          assertFailure(response, 405, "Allowed methods: GET, HEAD, OPTIONS")
          assert.strictEqual(response.headers.get("allow"), "GET, HEAD, OPTIONS")
          const large = yield* get(path, { method: "POST", body: "x".repeat(65_537) })
          assertFailure(large, 413, "The request body is too large; at most 65536 bytes are allowed")
        }
        yield* server.setDatabase("broken")
        const broken = yield* get("/api/rates/?source_currency=EUR&destination_currency=ETB")
        assertFailure(broken, 500, "Internal server error")
        yield* server.setDatabase("up")
      })
    )
  })
})
