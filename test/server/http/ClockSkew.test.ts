import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { ClockSkew } from "../../../src/platform/ClockSkew.ts"
import { rate, TestProvider } from "../../support/TestProvider.ts"
import { assertProblem, get, TestServer } from "../../support/TestServer.ts"

const HOUR = 3_600_000
let skewMillis = 0
const skewed = Layer.succeed(ClockSkew, { millis: () => skewMillis, maxMillis: HOUR })

const BODY = { amount: "100.00", from_currency: "USD", to_currency: "NGN" }
const post = (path: string, body: object, headers: Readonly<Record<string, string>> = {}) =>
  get(path, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "content-type": "application/json", ...headers }
  })
const convert = (body: object = {}, headers: Readonly<Record<string, string>> = {}) =>
  post("/api/v1/convert", { ...BODY, ...body }, headers)

const clockCheck = Effect.map(get("/health/ready"), ({ json, status }) => {
  const checks = json["checks"]
  assert.isTrue(typeof checks === "object" && checks !== null && "clock" in checks)
  return { status, overall: json["status"], clock: Object.assign({ clock: {} }, checks).clock }
})

layer(
  TestServer.layer({
    RATE_SOURCES: "USD",
    RATE_DESTINATIONS: "NGN"
  }).pipe(Layer.provideMerge(skewed)),
  { excludeTestServices: true }
)("A node whose clock differs from the database's", (it) => {
  it.effect("reports the difference, and is degraded from 2 seconds on", () =>
    Effect.gen(function* () {
      const provider = yield* TestProvider
      yield* provider.respondWith(rate("1500"))
      skewMillis = 1500
      assert.strictEqual((yield* get("/api/v1/rates?from=USD&to=NGN")).status, 200)
      assert.deepStrictEqual(yield* clockCheck, {
        status: 200,
        overall: "ok",
        clock: { status: "ok", skew_seconds: 1.5 }
      })
      skewMillis = -600_000
      assert.deepStrictEqual(yield* clockCheck, {
        status: 200,
        overall: "degraded",
        clock: {
          status: "degraded",
          skew_seconds: -600,
          detail: "The clock of this node is 10m behind the clock of the database"
        }
      })
      assert.strictEqual((yield* convert()).status, 200)
    })
  )

  it.effect("is down beyond MAX_CLOCK_SKEW, and refuses conversions, quotes and polls, but not lookups", () =>
    Effect.gen(function* () {
      skewMillis = 0
      const key = { "idempotency-key": "before" }
      const first = yield* convert({}, key)
      assert.strictEqual(first.status, 200, first.text)
      const { json: quote } = yield* post("/api/v1/quotes", { ...BODY, ttl: "1 hour" })

      skewMillis = 24 * HOUR
      const detail =
        "The clock of this node is 1d ahead of the clock of the database; at most 1h is allowed. Synchronize both clocks with NTP"
      const refused = [
        yield* convert(),
        yield* convert({}, { "idempotency-key": "new" }),
        yield* convert({ quote_id: quote["quote_id"] }),
        yield* post("/api/v1/quotes", BODY),
        yield* post("/api/v1/admin/poller/runs", {})
      ]
      for (const response of refused) {
        assert.strictEqual(assertProblem(response, 503, "clock-skewed")["detail"], detail)
      }
      assert.deepStrictEqual(yield* clockCheck, {
        status: 503,
        overall: "down",
        clock: { status: "down", skew_seconds: 86_400, detail }
      })
      // What was committed before is still returned.
      const again = yield* convert({}, key)
      assert.strictEqual(again.text, first.text)
      assert.strictEqual(again.headers.get("idempotency-replayed"), "true")
      assert.strictEqual((yield* get("/api/v1/rates?from=USD&to=NGN")).json["rate"], "1500")

      skewMillis = 0
      assert.strictEqual((yield* convert({ quote_id: quote["quote_id"] })).status, 200)
      assert.strictEqual((yield* clockCheck).overall, "ok")
    })
  )
})
