import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect } from "effect"
import { TestClock } from "effect/testing"
import * as StubServer from "../StubServer.ts"
import { connect } from "./WatchedClient.ts"

describe("FlutterwaveClient and Retry-After", () => {
  /** Refuses the first request with the header, then answers. */
  const busy = (retryAfter: string, times = 1) => {
    let refusals = 0
    return StubServer.listen((request, response) => {
      const { from, to } = StubServer.question(request)
      if (refusals++ < times) response.writeHead(429, { "retry-after": retryAfter }).end("slow down")
      else response.end(StubServer.quotation(from, to, 1_000_000, 651.5, 1534.92))
    })
  }

  it.effect("waits as long as it is asked, with every request", () =>
    Effect.gen(function* () {
      const client = yield* connect(yield* busy("7"))
      const first = client.ask("USD", "NGN")
      const second = Effect.delay(client.ask("USD", "NGN"), Duration.seconds(3))
      yield* client.settle(Effect.all([first, second], { concurrency: "unbounded" }))
      const [start = 0, ...others] = client.sentAt
      assert.strictEqual(others.length, 2)
      for (const at of others) assert.isTrue(at - start >= 7000 && at - start <= 7200, String(client.sentAt))
    })
  )

  it.effect("understands a date", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.UTC(2026, 10, 21, 3, 27, 10))
      const client = yield* connect(yield* busy("Sat, 21 Nov 2026 03:27:19 GMT"))
      yield* client.rate()
      const [first = 0, second = 0] = client.sentAt
      assert.isTrue(second - first >= 8900 && second - first <= 9100, String(client.sentAt))
    })
  )

  it.effect.each(["soon", "", "-5", "0", "Thu, 01 Jan 1970 00:00:00 GMT"])(
    "waits as ever where it says %j",
    (text) =>
      Effect.gen(function* () {
        const client = yield* connect(yield* busy(text))
        yield* client.rate()
        const [first = 0, second = 0] = client.sentAt
        assert.isTrue(second - first >= 200 && second - first <= 400, String(client.sentAt))
      })
  )

  it.effect.each(["31", "86400", "99999999999999999999999999"])(
    "does not wait %s seconds, and asks nothing for 30",
    (text) =>
      Effect.gen(function* () {
        const client = yield* connect(yield* busy(text))
        const error = yield* Effect.flip(client.rate())
        assert.deepStrictEqual([error.reason._tag, client.sentAt.length], ["RateLimited", 1])
        yield* client.rate()
        const [first = 0, second = 0] = client.sentAt
        assert.isTrue(second - first >= 30_000 && second - first <= 30_200, String(client.sentAt))
      })
  )
})
