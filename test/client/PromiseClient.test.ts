import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Stream } from "effect"
import { UnsupportedPair } from "../../src/api/Problem.ts"
import { connect } from "../../src/client/PromiseClient.ts"
import { changed, rate, snapshot } from "../support/RateMessages.ts"
import * as TestRpcServer from "../support/TestRpcServer.ts"

/** A server that tells two rates, and then nothing; `left` is done when a reader has gone. */
const listen = Effect.gen(function* () {
  const left = yield* Deferred.make<void>()
  const { url } = yield* TestRpcServer.listen({
    GetRate: ({ to }) =>
      to === "NGN"
        ? Effect.succeed(rate("1534.50"))
        : to === "KES"
          ? Effect.never
          : Effect.fail(new UnsupportedPair({ detail: "not offered" })),
    WatchRates: () =>
      Stream.make(snapshot(5, rate("1500")), changed(6, rate("1501"))).pipe(
        Stream.concat(Stream.never),
        Stream.ensuring(Deferred.succeed(left, undefined))
      )
  })
  return { left, url }
})

const told = { from: "USD", to: "NGN", provider: "test", stale: false }

describe("the client with promises", () => {
  it.live("answers with plain values, and throws what the contract says", () =>
    Effect.gen(function* () {
      const { url } = yield* listen
      yield* Effect.promise(async () => {
        await using effex = connect(url)
        const answer = await effex.rate("USD", "NGN")
        assert.deepInclude(answer, { ...told, rate: "1534.5" })
        assert.strictEqual(answer.fetchedAt.toISOString(), "2026-11-21T03:27:17.086Z")
        const error = await effex.rate("USD", "EUR").catch((thrown: unknown) => thrown)
        assert.isTrue(error instanceof Error)
        assert.deepInclude(error, {
          code: "unsupported-pair",
          status: 422,
          detail: "not offered",
          message: "not offered",
          retryable: false
        })
      })
    }).pipe(Effect.scoped)
  )

  it.live("tells rates and events in loops, and whoever leaves one has unsubscribed", () =>
    Effect.gen(function* () {
      const { left, url } = yield* listen
      const effex = connect(url)
      const rates = yield* Effect.promise(async () => {
        const rates: Array<string> = []
        for await (const { rate } of effex.watch(["USD:NGN"])) {
          if (rates.push(rate) === 2) break
        }
        return rates
      })
      assert.deepStrictEqual(rates, ["1500", "1501"])
      yield* Effect.timeout(Deferred.await(left), "2 seconds")
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

  it.live("ends its loops and fails its calls when it is closed", () =>
    Effect.gen(function* () {
      const { left, url } = yield* listen
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
        for await (const rate of effex.watch()) assert.fail(`told ${rate.rate} after it was closed`)
      })
      yield* Effect.timeout(Deferred.await(left), "2 seconds")
    }).pipe(Effect.scoped)
  )

  it("takes no address but http and https", () => {
    for (const url of ["127.0.0.1:8000", "ftp://127.0.0.1", ""]) assert.throws(() => connect(url), TypeError)
  })
})
