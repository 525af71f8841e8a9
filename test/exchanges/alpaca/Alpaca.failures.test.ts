import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Metric, Option } from "effect"
import { TestClock } from "effect/testing"
import { createServer } from "node:net"
import * as ExchangeMetrics from "../../../src/platform/metrics/ExchangeMetrics.ts"
import { json, type Respond, reset, silence } from "../../support/ScriptedServer.ts"
import { connect, KEY_ID, SECRET_KEY } from "../../support/TestExchange.ts"
import * as Answers from "./AlpacaAnswers.ts"
import { failure, newOrder, page, start } from "./AlpacaServer.ts"

const { CLIENT_ORDER_ID } = Answers
const PATIENCE = 10_000

const submission = Effect.fnUntraced(function* (answer: Respond) {
  const alpaca = yield* start(answer)
  return { ...alpaca, error: yield* Effect.flip(alpaca.client.submit(newOrder("AAPL", "15"))) }
})

describe("Alpaca failures", () => {
  it.effect.each([
    [403, 40310000, "insufficient buying power", "insufficient-funds"],
    [
      403,
      40310000,
      "insufficient balance for BTC (requested: 0.0002, available: 0.000199499)",
      "insufficient-funds"
    ],
    [
      403,
      40310000,
      "insufficient qty available for order (requested: 5, available: 2)",
      "insufficient-funds"
    ],
    [403, 40310000, "cost basis must be >= minimal amount of order 10", "amount-invalid"],
    [403, 40310000, "potential wash trade detected. use complex orders", "other"],
    [403, 40310000, "new orders are rejected by user request", "other"],
    [422, 42210000, "qty must be > 0", "amount-invalid"],
    [422, 42210000, "fractional orders must be DAY orders", "amount-invalid"],
    [422, 40010001, "asset MKR/USD is not active", "not-tradable"],
    [422, 42210000, 'asset "AAPL" is not tradable', "not-tradable"],
    [422, 42210000, 'asset "ZZZZ" not found', "unknown-asset"],
    [422, 42210000, "invalid symbol: ZZZZ", "unknown-asset"],
    [422, 42210000, "invalid order type", "other"],
    [400, 40010000, "request body format is invalid", "other"]
  ] as const)("is refused with %s %s %s", ([status, code, message, kind]) =>
    Effect.gen(function* () {
      const { error } = yield* submission(failure(status, code, message))
      assert.strictEqual(error._tag, "ExchangeRefused")
      assert.strictEqual(error.kind, kind)
      assert.include(error.message, message)
      assert.include(error.message, "alpaca")
    })
  )

  it.effect.each([
    ["status 500", failure(500, 50010000, "internal server error occurred"), "failing"],
    ["status 502 of a proxy", page(502, "<html>Bad Gateway</html>"), "failing"],
    ["status 504 of a proxy", page(504, "stream timeout"), "failing"],
    ["a closed connection", reset, "unreachable"],
    ["success without JSON", page(200, "<html>Welcome</html>"), "malformed"],
    ["success without a body", page(200, ""), "malformed"],
    ["success with another object", json(200, { ok: true }), "malformed"],
    ["a body that ends early", page(200, '{"id":"61e6'), "malformed"],
    ["a body beyond the limit", page(200, " ".repeat(70_000)), "malformed"],
    ["status 404 of another server", page(404, "Not Found"), "malformed"],
    ["status 422 of another server", json(422, { error: "unprocessable" }), "malformed"],
    ["status 403 of a firewall", page(403, "<html>Forbidden</html>"), "unauthorized"],
    ["a lack of permissions", json(403, { message: "forbidden." }), "unauthorized"],
    ["a blocked account", failure(403, 40310100, "account is restricted"), "unauthorized"],
    ["invalid credentials", json(401, { message: "unauthorized." }), "unauthorized"],
    ["status 409", failure(409, 40910000, "conflict"), "malformed"],
    ["status 429", failure(429, 42910000, "rate limit exceeded"), "rate-limited"]
  ] as const)("has an unknown outcome after %s", ([, answer, kind]) =>
    Effect.gen(function* () {
      const { error, requests } = yield* submission(answer)
      assert.strictEqual(error._tag, "ExchangeUnknown")
      assert.strictEqual(error.kind, kind)
      // Orders are sent once: whether to repeat is up to the caller, after a lookup.
      assert.strictEqual(requests.length, 1)
    })
  )

  it.effect.each([
    ["another server", page(404, "404 page not found")],
    ["a wrong path", json(404, { message: "endpoint not found." })],
    ["a failing lookup", failure(500, 50010000, "internal server error occurred")],
    ["a refused lookup", failure(422, 42210000, "invalid client_order_id")]
  ] as const)("does not take an order for missing because of %s", ([, answer]) =>
    Effect.gen(function* () {
      const { client } = yield* start(answer)
      assert.strictEqual((yield* Effect.flip(client.find(CLIENT_ORDER_ID)))._tag, "ExchangeUnknown")
    })
  )

  it.effect("has an unknown outcome after ten seconds without an answer", () =>
    Effect.gen(function* () {
      const { client, requests } = yield* start(silence)
      const fiber = yield* Effect.forkChild(Effect.flip(client.submit(newOrder("AAPL", "15"))), {
        startImmediately: true
      })
      while (requests.length === 0) yield* realPause
      yield* TestClock.adjust(PATIENCE)
      const error = yield* Fiber.join(fiber)
      assert.strictEqual(error._tag, "ExchangeUnknown")
      assert.strictEqual(error.kind, "timeout")
    })
  )

  it.effect("has an unknown outcome if the server cannot be reached", () =>
    Effect.gen(function* () {
      const port = yield* closedPort
      const { client } = yield* connect(`http://127.0.0.1:${port}`)
      const error = yield* Effect.flip(client.submit(newOrder("AAPL", "15")))
      assert.strictEqual(error.kind, "unreachable")
      assert.include(error.message, "ECONNREFUSED")
    })
  )

  it.effect("passes on the time to wait after status 429", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.parse("2026-11-30T15:00:00Z"))
      const waitOf = Effect.fnUntraced(function* (headers: Readonly<Record<string, string>>) {
        const { error } = yield* submission(failure(429, 42910000, "rate limit exceeded", headers))
        return error._tag === "ExchangeUnknown" && error.retryAfter !== undefined
          ? Duration.toSeconds(error.retryAfter)
          : undefined
      })
      const at = (time: string) => String(Date.parse(time) / 1000)
      assert.strictEqual(yield* waitOf({ "retry-after": "7" }), 7)
      assert.strictEqual(yield* waitOf({ "x-ratelimit-reset": at("2026-11-30T15:00:12Z") }), 12)
      assert.strictEqual(yield* waitOf({ "x-ratelimit-reset": at("2026-11-30T14:00:00Z") }), 0)
      assert.strictEqual(yield* waitOf({ "x-ratelimit-reset": at("2027-11-30T14:00:00Z") }), 300)
      assert.strictEqual(yield* waitOf({ "x-ratelimit-reset": "soon" }), 0)
    })
  )

  it.effect("does not follow a redirect, which would carry the credentials to another server", () =>
    Effect.gen(function* () {
      const other = yield* start(json(200, Answers.order()))
      const { error } = yield* submission(page(307, "", { location: `${other.url}/v2/orders` }))
      assert.strictEqual(error._tag, "ExchangeUnknown")
      assert.include(error.message, "redirects are not followed")
      assert.strictEqual(other.requests.length, 0)
    })
  )

  it.effect("shows credentials in no error, log or trace, even if the answer repeats them", () =>
    Effect.gen(function* () {
      for (const answer of [
        failure(422, 42210000, `invalid key ${KEY_ID} with ${SECRET_KEY}`),
        failure(500, 50010000, `headers: ${SECRET_KEY}`),
        page(200, SECRET_KEY),
        reset
      ]) {
        const { error, telemetry, withTelemetry } = yield* submission(answer)
        yield* withTelemetry(Effect.logError("the order failed", error))
        for (const text of [error.message, JSON.stringify(error), telemetry()]) {
          assert.notInclude(text, SECRET_KEY)
          assert.notInclude(text, KEY_ID)
        }
        assert.include(telemetry(), "Alpaca.submit")
      }
    })
  )

  it.effect("counts requests by operation and outcome", () =>
    Effect.gen(function* () {
      const { client, withTelemetry } = yield* start(
        json(200, Answers.order()),
        failure(403, 40310000, "insufficient buying power"),
        failure(404, 40410000, "order not found"),
        reset
      )
      yield* client.submit(newOrder("AAPL", "15"))
      yield* Effect.flip(client.submit(newOrder("AAPL", "15")))
      assert.isTrue(Option.isNone(yield* client.find(CLIENT_ORDER_ID)))
      yield* Effect.flip(client.find(CLIENT_ORDER_ID))
      const counts = yield* Effect.forEach(
        [
          ["submit", "success"],
          ["submit", "refused"],
          ["find", "not_found"],
          ["find", "unreachable"],
          ["find", "success"]
        ] as const,
        ([operation, outcome]) =>
          Metric.value(ExchangeMetrics.requests.of({ exchange: "alpaca", operation, outcome }))
      ).pipe(withTelemetry)
      assert.deepStrictEqual(
        counts.map(({ count }) => count),
        [1, 1, 1, 1, 0]
      )
    })
  )
})

/** Gives sockets real time. */
const realPause = Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 5)))

/** Returns a port on which nothing listens. */
const closedPort = Effect.promise(
  () =>
    new Promise<number>((resolve) => {
      const server = createServer().listen(0, "127.0.0.1", () => {
        const address = server.address()
        server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0))
      })
    })
)
