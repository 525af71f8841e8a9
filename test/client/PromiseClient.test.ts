import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Stream } from "effect"
import { UnsupportedPair } from "../../src/api/Problem.ts"
import { connect } from "../../src/client/PromiseClient.ts"
import { changed, rate, snapshot } from "../support/RateMessages.ts"
import * as TestRpcServer from "../support/TestRpcServer.ts"

/** Starts a server that streams two rates, then stays silent. `unsubscribed` completes when a subscription ends. */
const listen = Effect.gen(function* () {
  const unsubscribed = yield* Deferred.make<void>()
  const { url } = yield* TestRpcServer.listen({
    GetRate: ({ to }) =>
      to === "NGN"
        ? Effect.succeed(rate("1534.50"))
        : to === "KES"
          ? Effect.never
          : Effect.fail(new UnsupportedPair({ detail: "not supported" })),
    WatchRates: () =>
      Stream.make(snapshot(5, rate("1500")), changed(6, rate("1501"))).pipe(
        Stream.concat(Stream.never),
        Stream.ensuring(Deferred.succeed(unsubscribed, undefined))
      )
  })
  return { unsubscribed, url }
})

const expected = { from: "USD", to: "NGN", provider: "test", stale: false }

describe("PromiseClient", () => {
  it.live("resolves with plain values and rejects with problems", () =>
    Effect.gen(function* () {
      const { url } = yield* listen
      yield* Effect.promise(async () => {
        await using effex = connect(url)
        const found = await effex.rate("USD", "NGN")
        assert.deepInclude(found, { ...expected, rate: "1534.5" })
        assert.strictEqual(found.fetchedAt.toISOString(), "2026-11-21T03:27:17.086Z")
        const error = await effex.rate("USD", "EUR").catch((thrown: unknown) => thrown)
        assert.isTrue(error instanceof Error)
        assert.deepInclude(error, {
          code: "unsupported-pair",
          status: 422,
          detail: "not supported",
          message: "not supported",
          retryable: false
        })
      })
    }).pipe(Effect.scoped)
  )

  it.live("iterates over rates and events, and unsubscribes when a loop is left", () =>
    Effect.gen(function* () {
      const { unsubscribed, url } = yield* listen
      const effex = connect(url)
      const rates = yield* Effect.promise(async () => {
        const rates: Array<string> = []
        for await (const { rate } of effex.watch(["USD:NGN"])) {
          if (rates.push(rate) === 2) break
        }
        return rates
      })
      assert.deepStrictEqual(rates, ["1500", "1501"])
      yield* Effect.timeout(Deferred.await(unsubscribed), "2 seconds")
      const events = yield* Effect.promise(async () => {
        const events: Array<string> = []
        for await (const { position, type } of effex.watchEvents()) {
          if (events.push(`${type} ${position}`) === 2) break
        }
        return events
      })
      assert.deepStrictEqual(events, ["snapshot e-5", "rate e-6"])
      yield* Effect.promise(() => effex.close())
    }).pipe(Effect.scoped)
  )

  it.live("ends loops and fails calls on close", () =>
    Effect.gen(function* () {
      const { unsubscribed, url } = yield* listen
      const effex = connect(url)
      yield* Effect.promise(async () => {
        const loop = effex.watch()[Symbol.asyncIterator]()
        await loop.next()
        await loop.next()
        const [third, call] = [loop.next(), effex.rate("USD", "KES").catch((thrown: unknown) => thrown)]
        await effex.rate("USD", "NGN")
        await effex.close()
        await effex.close()
        assert.deepStrictEqual(await third, { done: true, value: undefined })
        assert.deepInclude(await call, { code: "unreachable", detail: "The client was closed", sent: true })
        const late = await effex.rates().catch((thrown: unknown) => thrown)
        assert.deepInclude(late, { code: "unreachable", detail: "The client was closed", sent: false })
        for await (const rate of effex.watch()) assert.fail(`received ${rate.rate} after close`)
      })
      yield* Effect.timeout(Deferred.await(unsubscribed), "2 seconds")
    }).pipe(Effect.scoped)
  )

  it("throws for URLs that are not http or https", () => {
    for (const url of ["127.0.0.1:8000", "ftp://127.0.0.1", ""]) assert.throws(() => connect(url), TypeError)
  })
})
