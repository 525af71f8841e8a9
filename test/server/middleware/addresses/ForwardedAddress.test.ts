import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Logger, Metric } from "effect"
import { TestClock } from "effect/testing"
import * as HttpMetrics from "../../../../src/platform/metrics/HttpMetrics.ts"
import * as ForwardedAddress from "../../../../src/server/middleware/addresses/ForwardedAddress.ts"
import { change } from "../../../support/RateChanges.ts"
import { get, TestServer } from "../../../support/TestServer.ts"

const METRIC = /^effex_forwarded_for_unreadable_total (\d+)$/m
const LOOKUP = "/api/v1/rates?from=USD&to=NGN"
const BODY = JSON.stringify({ amount: "10.00", from_currency: "USD", to_currency: "NGN" })

const UNREADABLE = ["unknown", "192.0.2.7, unknown", "192.0.2.7,", "_hidden", "999.0.0.1", "unix:"]
const READABLE = ["192.0.2.7", "unknown, 192.0.2.7", "[2001:db8::1]:443", "192.0.2.7:80, 127.0.0.1"]

/** Sends a lookup and a conversion, which take the fast paths, and a request to the router. */
const sendAll = Effect.fnUntraced(function* (forwardedFor: string) {
  const headers = { "x-forwarded-for": forwardedFor }
  const responses = [
    yield* get(LOOKUP, { headers }),
    yield* get("/api/v1/currencies", { headers }),
    yield* get("/api/v1/convert", {
      method: "POST",
      headers: { ...headers, "content-type": "application/json" },
      body: BODY
    })
  ]
  assert.deepStrictEqual(
    responses.map(({ status }) => status),
    [200, 200, 200]
  )
})

const unreadableCount = Effect.map(get("/metrics"), ({ text }) => Number(METRIC.exec(text)?.[1]))
const warnings = Effect.map(TestServer, ({ log }) => log.filter((line) => line.includes("X-Forwarded-For")))

layer(TestServer.layer({ TRUSTED_PROXIES: "127.0.0.1" }), { excludeTestServices: true })(
  "An unreadable X-Forwarded-For of a trusted proxy",
  (it) => {
    it.effect("is counted for each request, and logged once", () =>
      Effect.gen(function* () {
        yield* change("USD:NGN", "1500")
        for (const forwardedFor of READABLE) yield* sendAll(forwardedFor)
        assert.strictEqual(yield* unreadableCount, 0)
        for (const forwardedFor of UNREADABLE) yield* sendAll(forwardedFor)
        assert.strictEqual(yield* unreadableCount, 3 * UNREADABLE.length)
        const logged = yield* warnings
        assert.lengthOf(logged, 1)
        assert.include(logged[0], 'IP addresses: \\"unknown\\" (1 since')
        assert.include(logged[0], '"level":"WARN"')
      })
    )
  }
)

layer(TestServer.layer(), { excludeTestServices: true })(
  "An unreadable X-Forwarded-For of a client",
  (it) => {
    it.effect("is ignored", () =>
      Effect.gen(function* () {
        yield* change("USD:NGN", "1500")
        for (const forwardedFor of UNREADABLE) yield* sendAll(forwardedFor)
        assert.strictEqual(yield* unreadableCount, 0)
        assert.lengthOf(yield* warnings, 0)
      })
    )
  }
)

describe("ForwardedAddress.makeReporter", () => {
  it.effect("warns once in ten minutes, with the number of requests and a printable excerpt", () => {
    const lines: Array<string> = []
    const logger = Logger.make(({ message }) => {
      lines.push(String(message))
    })
    return Effect.gen(function* () {
      const report = ForwardedAddress.makeReporter()
      for (let i = 0; i < 3; i++) yield* report("unknown")
      yield* TestClock.adjust("9 minutes")
      yield* report("unknown")
      assert.lengthOf(lines, 1)
      yield* TestClock.adjust("1 minute")
      yield* report(`${"a".repeat(100)}\u001b[2J`)
      assert.lengthOf(lines, 2)
      assert.include(lines[1], `"${"a".repeat(60)}?[2J" (4 since the last warning)`)
      assert.deepInclude(yield* Metric.value(HttpMetrics.unreadableForwardedFor), { count: 5 })
    }).pipe(Effect.provide(Logger.layer([logger])), Effect.provideService(Metric.MetricRegistry, new Map()))
  })
})
