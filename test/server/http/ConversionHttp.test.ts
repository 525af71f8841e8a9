import { assert, describe, layer } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { request } from "node:http"
import { AuditLog } from "../../../src/audit/AuditLog.ts"
import { failing, rate, TestProvider } from "../../support/TestProvider.ts"
import { type ServerResponse, assertProblem, get, TestServer } from "../../support/TestServer.ts"
import { ServerClock, setForward } from "./ServerClock.ts"

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const ISO_MILLIS = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
const UNKNOWN_ID = "01980000-0000-7000-8000-000000000000"

type Headers = Readonly<Record<string, string>>

const send = (path: string, body: string, headers: Headers = {}) =>
  get(path, { method: "POST", body, headers: { "content-type": "application/json", ...headers } })

const REQUEST = { amount: "500.00", from_currency: "USD", to_currency: "NGN" }
const textOf = (over: object = {}) => JSON.stringify({ ...REQUEST, ...over })
const convert = (over: object = {}, headers: Headers = {}) => send("/api/v1/convert", textOf(over), headers)
const quote = (over: object = {}) => send("/api/v1/quotes", textOf(over))

const countRecords = Effect.gen(function* () {
  const audit = yield* AuditLog
  return (yield* audit.page({}, undefined, 1000)).length
})

const decodeErrors = Schema.decodeUnknownSync(
  Schema.Array(Schema.Struct({ pointer: Schema.String, detail: Schema.String }))
)
const pointersOf = (errors: unknown) => decodeErrors(errors).map(({ pointer }) => pointer)

/** Converts with `Expect: 100-continue` (RFC 9110, 10.1.1). Returns the status of the response. */
const convertExpecting = (port: number) =>
  Effect.callback<number | undefined>((resume) => {
    const body = textOf()
    const headers = { expect: "100-continue", "content-length": Buffer.byteLength(body) }
    const sent = request({ port, path: "/api/v1/convert", method: "POST", headers })
    sent.on("continue", () => sent.end(body))
    sent.on("response", (response) => {
      response.resume()
      resume(Effect.succeed(response.statusCode))
    })
    sent.flushHeaders()
    return Effect.sync(() => sent.destroy())
  })

/** Asserts a 400 response with one error, and returns its detail. */
const assertInvalid = (response: ServerResponse, pointer: string) => {
  const { errors } = assertProblem(response, 400, "invalid-request")
  assert.deepStrictEqual(pointersOf(errors), [pointer], response.text)
  return decodeErrors(errors)[0]?.detail ?? ""
}

layer(TestServer.layer({ MAX_AGE_FLOOR: "0 millis" }).pipe(Layer.provideMerge(ServerClock.layer)), {
  excludeTestServices: true
})("Conversions over HTTP", (it) => {
  describe("POST /api/v1/convert", () => {
    it.effect("returns the documented fields in order", () =>
      Effect.gen(function* () {
        const provider = yield* TestProvider
        yield* provider.respondWith(rate("1534.12345678"))
        const response = yield* send(
          "/api/v1/convert",
          '{"amount":500.00,"from_currency":"USD","to_currency":"NGN"}'
        )
        assert.strictEqual(response.status, 200, response.text)
        assert.strictEqual(response.headers.get("content-type"), "application/json")
        assert.strictEqual(response.headers.get("cache-control"), "no-store")
        assert.strictEqual(response.headers.get("idempotency-replayed"), null)
        const { audit_id, converted_at, rate_fetched_at, rate_id } = response.json
        for (const id of [audit_id, rate_id]) assert.match(String(id), UUID_V7)
        for (const time of [converted_at, rate_fetched_at]) assert.match(String(time), ISO_MILLIS)
        assert.strictEqual(
          response.text,
          `{"audit_id":"${audit_id}","from_currency":"USD","to_currency":"NGN","input_amount":"500.00","output_amount":"763226.41","mid_rate":"1534.12345678","margin":"0.005","rate":"1526.4528394961","rate_id":"${rate_id}","provider":"test","rate_fetched_at":"${rate_fetched_at}","stale":false,"amount_type":"source","converted_at":"${converted_at}"}`
        )
        assert.strictEqual((yield* get(`/api/v1/rates/${rate_id}`)).json["rate"], "1534.12345678")
      })
    )

    it.effect("sends 100 Continue to clients that expect it", () =>
      Effect.gen(function* () {
        const { port } = yield* TestServer
        assert.strictEqual(yield* convertExpecting(port), 200)
      })
    )

    it.effect("accepts amounts as strings and numbers, and currency codes in any case", () =>
      Effect.gen(function* () {
        const bodies = [
          '{"amount":"500","from_currency":"usd","to_currency":"nGn"}',
          ' {"to_currency":"NGN" , "amount":500.0,\n"from_currency":"USD","amount_type":"source"} ',
          '{"amount":"500.00","from_currency":"\\u0055SD","to_currency":"NGN"}'
        ]
        for (const body of bodies) {
          const { json } = yield* send("/api/v1/convert", body)
          assert.deepInclude(json, { input_amount: "500.00", output_amount: "763226.41" })
        }
        const longest = yield* convert({ amount: 9_999_999_999_999.99 })
        assert.strictEqual(longest.json["input_amount"], "9999999999999.99")
      })
    )

    it.effect("converts a target amount and rounds the input up", () =>
      Effect.gen(function* () {
        const { json } = yield* convert({ amount: "763226.42", amount_type: "target" })
        assert.deepInclude(json, { input_amount: "500.01", output_amount: "763226.42" })
        const exactly = yield* convert({ amount: "763226.41", amount_type: "target" })
        assert.deepInclude(exactly.json, { input_amount: "500.00", output_amount: "763226.41" })
        const ofNoDecimals = yield* convert({ amount: "0.5", to_currency: "XOF", amount_type: "target" })
        assert.include(assertInvalid(ofNoDecimals, "/body/amount"), "0 after it (XOF)")
      })
    )

    it.effect("rejects invalid amounts, and commits nothing", () =>
      Effect.gen(function* () {
        const before = yield* countRecords
        const notDecimal =
          `1e999999999 5e2 -1 0 0.00 0.001 -0 1e-7 "1e999999999" "5e2" "-1" "+1" "0" "0.00" "0.001" "NaN"
        "Infinity" "" "1,000" "0x10" ".5" "5." "007" "١" "1_000"`
            .split(/\s+/)
            .concat(
              '" 1"',
              '"1 "',
              `"${"9".repeat(19)}"`,
              `"${"9".repeat(5_000)}"`,
              `"1.${"0".repeat(60_000)}"`
            )
        const notScalar = ["null", "true", "[]", "[500]", "{}", '{"value":"500"}']
        const notJson = ["NaN", "Infinity", "-Infinity", "0x10", "+1", ".5", "5.", "007", "", "1_000", "'1'"]
        for (const [amounts, pointer, detail] of [
          [notDecimal, "/body/amount", /^must be a positive decimal with at most 18 digits.*\(USD\)/],
          [notScalar, "/body/amount", /^must be a decimal, as a string such as "500.00" or as a number$/],
          [notJson, undefined, /^The body is not valid JSON$/]
        ] as const) {
          for (const amount of amounts) {
            const body = `{"amount":${amount},"from_currency":"USD","to_currency":"NGN"}`
            // Digits of 1e999999999 would exceed the memory and the timeout of the test.
            const response = yield* send("/api/v1/convert", body)
            const actual =
              pointer === undefined
                ? assertProblem(response, 400, "invalid-request")["detail"]
                : assertInvalid(response, pointer)
            assert.match(String(actual), detail, amount.slice(0, 50))
            assert.isBelow(response.text.length, 1_000)
          }
        }
        assert.strictEqual(yield* countRecords, before)
      })
    )

    it.effect("rejects JSON numbers with more than 15 significant digits, and suggests a string", () =>
      Effect.gen(function* () {
        for (const amount of [
          "1234567890123456",
          "12345678901234.56",
          "0.1000000000000000055",
          "9".repeat(5_000)
        ]) {
          const response = yield* send("/api/v1/convert", textOf().replace('"500.00"', amount))
          assert.match(
            assertInvalid(response, "/body/amount"),
            /at most 15 significant digits; send it as a string/
          )
        }
        const asString = yield* convert({ amount: "123456789012345.67" })
        assert.strictEqual(asString.json["input_amount"], "123456789012345.67")
      })
    )

    it.effect("names missing, unknown and mistyped fields by JSON pointer", () =>
      Effect.gen(function* () {
        const cases = [
          [{ amount: undefined }, "/body/amount", "is required"],
          [{ from_currency: undefined }, "/body/from_currency", "is required"],
          [{ to_currency: 7 }, "/body/to_currency", ""],
          [{ from_currency: ["USD"] }, "/body/from_currency", ""],
          [{ amount_type: "both" }, "/body/amount_type", ""],
          [{ quote_id: "1" }, "/body/quote_id", ""],
          [{ quote_id: null }, "/body/quote_id", ""],
          [{ reference: 7 }, "/body/reference", ""],
          [{ currency: "USD" }, "/body/currency", "is not a known field"],
          [{ "a/b~c": 1 }, "/body/a~1b~0c", "is not a known field"],
          [{ ttl: "30 seconds" }, "/body/ttl", "is not a known field"]
        ] as const
        for (const [over, pointer, detail] of cases)
          assert.include(assertInvalid(yield* convert(over), pointer), detail)
        const all = assertProblem(yield* send("/api/v1/convert", "{}"), 400, "invalid-request")
        assert.deepStrictEqual(pointersOf(all["errors"]), [
          "/body/amount",
          "/body/from_currency",
          "/body/to_currency"
        ])
        const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`f${i}`, 1]))
        const response = yield* convert(many)
        assertProblem(response, 400, "invalid-request")
        assert.isBelow(response.text.length, 10_000)
      })
    )

    it.effect("rejects bodies that are not JSON objects or are too large", () =>
      Effect.gen(function* () {
        for (const body of ["", "{", "undefined", textOf().slice(1), `${textOf()},`, "\u0000", "<a/>", "a=1"])
          assertProblem(yield* send("/api/v1/convert", body), 400, "invalid-request")
        for (const body of ["null", "[]", "7", '"text"', "true", `[${textOf()}]`])
          assertInvalid(yield* send("/api/v1/convert", body), "/body")
        const large = textOf({ reference: "x".repeat(64 * 1024) })
        assertProblem(yield* send("/api/v1/convert", large), 413, "payload-too-large")
      })
    )

    it.effect("accepts references of 1 to 100 characters without control characters", () =>
      Effect.gen(function* () {
        for (const reference of ["x", "é".repeat(100), "-- '; DROP", "=1+1", "naïve ☃ 💸"]) {
          const { json } = yield* convert({ reference })
          assert.strictEqual(json["reference"], reference)
          const record = yield* get(`/api/v1/audit/conversions/${json["audit_id"]}`)
          assert.strictEqual(record.json["reference"], reference)
        }
        for (const reference of ["", "x".repeat(101), "a\nb", "a\tb", "a\u007fb", "a\u0085b"])
          assertInvalid(yield* convert({ reference }), "/body/reference")
        for (const reference of ["a\u0000b", "\ud800", "\t"])
          assertProblem(yield* convert({ reference }), 400, "invalid-request")
      })
    )

    it.effect("returns 422 for unsupported currencies and pairs", () =>
      Effect.gen(function* () {
        for (const from_currency of ["ZZZ", "", "US", "ſSD", "__proto__"])
          assertProblem(yield* convert({ from_currency }), 422, "unsupported-currency")
        for (const over of [{ to_currency: "USD" }, { from_currency: "NGN" }])
          assertProblem(yield* convert(over), 422, "unsupported-pair")
      })
    )

    it.effect("rejects results below one minor unit or above 18 digits", () =>
      Effect.gen(function* () {
        const provider = yield* TestProvider
        yield* provider.respondWith(rate("0.5"))
        const assertNoMessage = yield* convert({ amount: "0.01", to_currency: "KES" })
        assert.include(assertInvalid(assertNoMessage, "/body/amount"), "less than one minor unit of KES")
        const tooMuch = yield* convert({ amount: "9".repeat(18) })
        assert.include(assertInvalid(tooMuch, "/body/amount"), "more than 18 digits of NGN")
      })
    )

    it.effect("returns 503 if no rate is known and the provider fails", () =>
      Effect.gen(function* () {
        const provider = yield* TestProvider
        yield* provider.respondWith(failing)
        const before = yield* countRecords
        for (const path of ["/api/v1/convert", "/api/v1/quotes"])
          assertProblem(yield* send(path, textOf({ from_currency: "EUR" })), 503, "rate-unavailable")
        assert.strictEqual(yield* countRecords, before)
      })
    )

    it.effect(
      "returns 503 without any amount while the database is unavailable, and recovers without a restart",
      () =>
        Effect.gen(function* () {
          const server = yield* TestServer
          const before = yield* countRecords
          yield* server.setDatabase("down")
          for (const headers of [{}, { "idempotency-key": "while-down" }]) {
            const response = yield* convert({}, headers)
            assertProblem(response, 503, "store-unavailable")
            assert.include(response.json["detail"], "retry with the same Idempotency-Key")
            assert.notInclude(response.text, "763226")
            assert.notInclude(response.text, "1534")
          }
          assertProblem(yield* quote(), 503, "store-unavailable")
          yield* server.setDatabase("up")
          assert.strictEqual(yield* countRecords, before)
          assert.strictEqual((yield* convert({}, { "idempotency-key": "while-down" })).status, 200)
        })
    )
  })

  describe("Idempotency-Key", () => {
    it.effect(
      "replays the first response byte for byte, marked as replayed, after the rate has changed",
      () =>
        Effect.gen(function* () {
          const provider = yield* TestProvider
          const before = yield* countRecords
          const headers = { "Idempotency-Key": "order 1 / ~x" }
          const first = yield* convert({ reference: "r" }, headers)
          yield* provider.respondWith(rate("9"))
          const bodies = [
            textOf({ reference: "r" }),
            '{"reference":"r","to_currency":"ngn","amount":500,"from_currency":"usd","amount_type":"source"}'
          ]
          for (const body of bodies) {
            const again = yield* send("/api/v1/convert", body, headers)
            assert.strictEqual(again.status, 200)
            assert.strictEqual(again.text, first.text)
            assert.strictEqual(again.headers.get("idempotency-replayed"), "true")
            assert.strictEqual(again.headers.get("content-type"), first.headers.get("content-type"))
          }
          assert.strictEqual(yield* countRecords, before + 1)
          const other = yield* convert({ reference: "r" }, { "Idempotency-Key": "order 2" })
          assert.strictEqual(other.headers.get("idempotency-replayed"), null)
          assert.notStrictEqual(other.json["audit_id"], first.json["audit_id"])
        })
    )

    it.effect("returns 422 for a different request with the same key", () =>
      Effect.gen(function* () {
        const headers = { "idempotency-key": "mine" }
        yield* convert({}, headers)
        const others = [
          { amount: "500.01" },
          { from_currency: "CAD" },
          { to_currency: "KES" },
          { amount_type: "target" },
          { reference: "r" }
        ]
        for (const over of others) assertProblem(yield* convert(over, headers), 422, "idempotency-mismatch")
      })
    )

    it.effect("accepts 1 to 255 printable ASCII characters", () =>
      Effect.gen(function* () {
        const before = yield* countRecords
        for (const key of ["", "x".repeat(256), "é", "a\tb"])
          assertInvalid(yield* convert({}, { "idempotency-key": key }), "/headers/idempotency-key")
        assert.strictEqual(yield* countRecords, before)
        assert.strictEqual((yield* convert({}, { "idempotency-key": "x".repeat(255) })).status, 200)
      })
    )

    it.effect("can be reused after a failed request", () =>
      Effect.gen(function* () {
        const headers = { "idempotency-key": "after-failures" }
        assertProblem(yield* convert({ amount: "0" }, headers), 400, "invalid-request")
        assertProblem(yield* convert({ quote_id: UNKNOWN_ID }, headers), 404, "not-found")
        assert.strictEqual((yield* convert({}, headers)).status, 200)
      })
    )

    it.effect("commits one record for fifty concurrent requests", () =>
      Effect.gen(function* () {
        const before = yield* countRecords
        const headers = { "idempotency-key": "fifty" }
        const responses = yield* Effect.all(
          Array.from({ length: 50 }, () => convert({}, headers)),
          { concurrency: "unbounded" }
        )
        const [succeeded, conflicts] = [
          responses.filter(({ status }) => status === 200),
          responses.filter(({ status }) => status !== 200)
        ]
        assert.strictEqual(new Set(succeeded.map(({ text }) => text)).size, 1)
        assert.strictEqual(succeeded.filter(({ headers }) => !headers.has("idempotency-replayed")).length, 1)
        for (const { headers, json, status } of conflicts) {
          assert.strictEqual(status, 409)
          assert.strictEqual(headers.get("retry-after"), "1")
          assert.deepInclude(json, { code: "idempotency-conflict", retryable: true })
        }
        assert.strictEqual(yield* countRecords, before + 1)
      })
    )
  })

  describe("/api/v1/quotes", () => {
    it.effect("lock every number of the conversion", () =>
      Effect.gen(function* () {
        const provider = yield* TestProvider
        yield* provider.respondWith(rate("1534.12345678"))
        const created = yield* quote({ reference: "r" })
        assert.strictEqual(created.status, 201, created.text)
        const { created_at, expires_at, quote_id, rate_fetched_at, rate_id } = created.json
        assert.match(String(quote_id), UUID_V7)
        assert.strictEqual(Date.parse(String(expires_at)) - Date.parse(String(created_at)), 30_000)
        assert.deepStrictEqual(created.json, {
          quote_id,
          state: "open",
          expires_at,
          from_currency: "USD",
          to_currency: "NGN",
          input_amount: "500.00",
          output_amount: "763226.41",
          mid_rate: "1534.12345678",
          margin: "0.005",
          rate: "1526.4528394961",
          rate_id,
          provider: "test",
          rate_fetched_at,
          stale: false,
          amount_type: "source",
          reference: "r",
          created_at
        })
        assert.deepStrictEqual((yield* get(`/api/v1/quotes/${quote_id}`)).json, created.json)

        yield* provider.respondWith(rate("9"))
        yield* Effect.sleep("5 millis")
        assert.strictEqual((yield* get("/api/v1/rates?from=USD&to=NGN&max_age=1+millis")).json["rate"], "9")
        const used = yield* convert({ quote_id })
        assert.strictEqual(used.status, 200, used.text)
        const { audit_id } = used.json
        assert.deepInclude(used.json, {
          output_amount: "763226.41",
          mid_rate: "1534.12345678",
          rate_id,
          quote_id,
          reference: "r"
        })
        const after = yield* get(`/api/v1/quotes/${quote_id}`)
        assert.deepStrictEqual(after.json, { ...created.json, state: "used", audit_id })
      })
    )

    it.effect("accept a ttl of at most one hour", () =>
      Effect.gen(function* () {
        for (const [ttl, millis] of [
          ["1 hour", 3_600_000],
          ["3600 seconds", 3_600_000],
          ["1 millis", 1]
        ] as const) {
          const { json, status } = yield* quote({ ttl })
          assert.strictEqual(status, 201)
          assert.strictEqual(
            Date.parse(String(json["expires_at"])) - Date.parse(String(json["created_at"])),
            millis
          )
        }
        const invalid = [
          "3601 seconds",
          "2 hours",
          "999999999 days",
          "0 seconds",
          "-1 seconds",
          "60",
          "",
          "forever"
        ]
        for (const ttl of invalid) assertInvalid(yield* quote({ ttl }), "/body/ttl")
        for (const ttl of [30, null, ["1 hour"]]) assertInvalid(yield* quote({ ttl }), "/body/ttl")
        assertInvalid(yield* quote({ quote_id: UNKNOWN_ID }), "/body/quote_id")
        assertInvalid(yield* quote({ amount: "1e3" }), "/body/amount")
      })
    )

    it.effect("are used by one of a hundred concurrent conversions", () =>
      Effect.gen(function* () {
        const { quote_id } = (yield* quote()).json
        const before = yield* countRecords
        const responses = yield* Effect.all(
          Array.from({ length: 100 }, () => convert({ quote_id })),
          { concurrency: "unbounded" }
        )
        assert.strictEqual(responses.filter(({ status }) => status === 200).length, 1)
        for (const response of responses.filter(({ status }) => status !== 200))
          assertProblem(response, 409, "quote-used")
        assert.strictEqual(yield* countRecords, before + 1)
      })
    )

    it.effect("expire, but replay the conversion that used them", () =>
      Effect.gen(function* () {
        const { quote_id } = (yield* quote({ ttl: "1 minute" })).json
        const expiring = (yield* quote({ ttl: "1 minute" })).json["quote_id"]
        const headers = { "idempotency-key": "before-expiry" }
        const first = yield* convert({ quote_id }, headers)
        assert.strictEqual(first.status, 200)
        yield* setForward("1 minute")
        assertProblem(yield* convert({ quote_id: expiring }), 409, "quote-expired")
        assertProblem(
          yield* convert({ quote_id: expiring }, { "idempotency-key": "after-expiry" }),
          409,
          "quote-expired"
        )
        assert.strictEqual((yield* get(`/api/v1/quotes/${expiring}`)).json["state"], "expired")
        const again = yield* convert({ quote_id }, headers)
        assert.strictEqual(again.text, first.text)
        assert.strictEqual(again.headers.get("idempotency-replayed"), "true")
        assertProblem(yield* convert({ quote_id }), 409, "quote-used")
      })
    )

    it.effect("reject a request that differs, and stay open", () =>
      Effect.gen(function* () {
        const { quote_id } = (yield* quote()).json
        const cases = [
          [{ amount: "500.01" }, "/body/amount"],
          [{ from_currency: "CAD" }, "/body/from_currency"],
          [{ to_currency: "KES" }, "/body/to_currency"],
          [{ amount_type: "target" }, "/body/amount_type"]
        ] as const
        for (const [over, pointer] of cases) assertInvalid(yield* convert({ ...over, quote_id }), pointer)
        assert.strictEqual((yield* get(`/api/v1/quotes/${quote_id}`)).json["state"], "open")
        assert.strictEqual((yield* convert({ quote_id, amount: 500 })).status, 200)
      })
    )

    it.effect("return 404 for an unknown id", () =>
      Effect.gen(function* () {
        assertProblem(yield* get(`/api/v1/quotes/${UNKNOWN_ID}`), 404, "not-found")
        assertProblem(yield* convert({ quote_id: UNKNOWN_ID }), 404, "not-found")
        assertInvalid(yield* get("/api/v1/quotes/1"), "/path/quote_id")
      })
    )
  })
})

const paths = [
  `/api/v1/quotes/${UNKNOWN_ID}`,
  "/api/v1/audit/conversions",
  "/api/v1/audit/verify",
  "/api/v1/audit/heads"
]
const REAL = { FLUTTERWAVE_SECRET_KEY: "FLWSECK-test" }

layer(TestServer.layer(REAL), { excludeTestServices: true })("Conversions with a real provider", (it) => {
  it.effect("require an API key before the body is read", () =>
    Effect.gen(function* () {
      assertProblem(yield* convert(), 401, "unauthorized")
      assertProblem(yield* quote(), 401, "unauthorized")
      assertProblem(yield* send("/api/v1/convert", "nonsense"), 401, "unauthorized")
      for (const path of paths) assertProblem(yield* get(path), 401, "unauthorized")
      assert.strictEqual(yield* countRecords, 0)
      assert.strictEqual((yield* get("/api/v1/rates?from=USD&to=NGN")).status, 200)
    })
  )
})

layer(TestServer.layer({ ...REAL, ALLOW_ANONYMOUS_CONVERT: "true" }), { excludeTestServices: true })(
  "Conversions with a real provider and ALLOW_ANONYMOUS_CONVERT",
  (it) => {
    it.effect("require no API key", () =>
      Effect.gen(function* () {
        assert.strictEqual((yield* convert()).status, 200)
        assert.strictEqual((yield* quote()).status, 201)
        for (const path of paths.slice(1)) assert.strictEqual((yield* get(path)).status, 200)
      })
    )
  }
)
