import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect } from "effect"
import { TestClock } from "effect/testing"
import * as StubServer from "../StubServer.ts"
import { connect } from "../ProviderTestClient.ts"

describe("FlutterwaveClient, Retry-After", () => {
  /** A server that rejects the first request with the header and then returns rates. */
  const rateLimitingServer = (retryAfter: string, times = 1) => {
    let rejections = 0
    return StubServer.listen((request, response) => {
      const { from, to } = StubServer.parseQuery(request)
      if (rejections++ < times) response.writeHead(429, { "retry-after": retryAfter }).end("slow down")
      else response.end(StubServer.quotation(from, to, 1_000_000, 651.5, 1534.92))
    })
  }

  it.effect("delays every request by Retry-After", () =>
    Effect.gen(function* () {
      const client = yield* connect(yield* rateLimitingServer("7"))
      const first = client.requestRate("USD", "NGN")
      const second = Effect.delay(client.requestRate("USD", "NGN"), Duration.seconds(3))
      yield* client.settle(Effect.all([first, second], { concurrency: "unbounded" }))
      const [start = 0, ...others] = client.sentAt
      assert.strictEqual(others.length, 2)
      for (const at of others) assert.isTrue(at - start >= 7000 && at - start <= 7200, String(client.sentAt))
    })
  )

  it.effect("accepts a date", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.UTC(2026, 10, 21, 3, 27, 10))
      const client = yield* connect(yield* rateLimitingServer("Sat, 21 Nov 2026 03:27:19 GMT"))
      yield* client.rate()
      const [first = 0, second = 0] = client.sentAt
      assert.isTrue(second - first >= 8900 && second - first <= 9100, String(client.sentAt))
    })
  )

  it.effect.each(["soon", "", "-5", "0", "Thu, 01 Jan 1970 00:00:00 GMT"])(
    "uses the default backoff for %j",
    (text) =>
      Effect.gen(function* () {
        const client = yield* connect(yield* rateLimitingServer(text))
        yield* client.rate()
        const [first = 0, second = 0] = client.sentAt
        assert.isTrue(second - first >= 200 && second - first <= 400, String(client.sentAt))
      })
  )

  it.effect.each(["31", "86400", "99999999999999999999999999"])(
    "fails instead of waiting %s seconds, and sends no request for 30",
    (text) =>
      Effect.gen(function* () {
        const client = yield* connect(yield* rateLimitingServer(text))
        const error = yield* Effect.flip(client.rate())
        assert.deepStrictEqual([error.reason._tag, client.sentAt.length], ["RateLimited", 1])
        yield* TestClock.adjust("29 seconds")
        yield* client.rate()
        const [first = 0, second = 0] = client.sentAt
        assert.isTrue(second - first >= 30_000 && second - first <= 30_200, String(client.sentAt))
      })
  )
})
