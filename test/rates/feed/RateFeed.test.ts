import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Scope } from "effect"
import { SecureRandom } from "effect/crypto"
import type { CurrencyPair } from "../../../src/domain/money/CurrencyPair.ts"
import type { RateEvent } from "../../../src/domain/rates/RateEvent.ts"
import * as RateFeed from "../../../src/rates/feed/RateFeed.ts"
import { CEDI, NAIRA, numberOf, poll, rate, SHILLING } from "../../support/SampleRates.ts"

const make = Effect.provide(RateFeed.make, SecureRandom.layerWebCrypto)

const test = (name: string, body: (feed: RateFeed.RateFeed) => Effect.Effect<void, never, Scope.Scope>) =>
  it.effect(name, () => Effect.scoped(Effect.flatMap(make, body)))

const short = (event: RateEvent): string => {
  switch (event._tag) {
    case "RateChanged":
      return `${event.sequence} ${event.rate.pair.key}=${numberOf(event.rate)}`
    case "Snapshot":
      return `${event.sequence} all ${event.rates.map((rate) => `${rate.pair.key}=${numberOf(rate)}`).join()}`
    case "PollFinished":
      return `${event.sequence} poll`
    case "Gap":
      return `${event.sequence} gap since ${event.since.sequence}`
  }
}

const subscribes = (feed: RateFeed.RateFeed, subscription: RateFeed.Subscription = {}) =>
  Effect.map(feed.subscribe(subscription), ({ take }) =>
    Effect.map(take, (events) => {
      assert.strictEqual(events.at(-1)?.epoch, feed.position().epoch)
      return events.map(short)
    })
  )

/** What a reader is told first who was told everything up to `sequence`, and then lost its connection. */
const resumed = Effect.fnUntraced(function* (
  feed: RateFeed.RateFeed,
  sequence: number,
  pairs?: ReadonlyArray<CurrencyPair>
) {
  const take = yield* subscribes(feed, { since: { ...feed.position(), sequence }, pairs })
  // Something always comes last, so that there is something to take.
  feed.tellPoll(poll(1))
  return (yield* take).slice(0, -1)
})

const tellMany = (feed: RateFeed.RateFeed, count: number) => {
  const pairs = [NAIRA, SHILLING, CEDI]
  for (let i = 0; i < count; i++) feed.tell(rate(pairs[i % 3] ?? NAIRA, i + 1))
}

describe("RateFeed", () => {
  test("tells everything first, and then every change under the next number", (feed) =>
    Effect.gen(function* () {
      feed.learn([rate(CEDI, 1)])
      const take = yield* subscribes(feed)
      assert.deepStrictEqual(yield* take, ["0 all EUR:GHS=1"])
      feed.tell(rate(NAIRA, 2))
      feed.tell(rate(SHILLING, 3))
      feed.tellPoll(poll(1))
      assert.deepStrictEqual(yield* take, ["1 USD:NGN=2", "2 USD:KES=3", "2 poll"])
    }))

  test("tells everything of the wanted pairs first", (feed) =>
    Effect.gen(function* () {
      tellMany(feed, 6)
      assert.deepStrictEqual(yield* yield* subscribes(feed, { pairs: [SHILLING] }), ["6 all USD:KES=5"])
      assert.deepStrictEqual(yield* yield* subscribes(feed, { pairs: [] }), ["6 all "])
    }))

  test("tells of a rate once, and never of an older one after a newer one", (feed) =>
    Effect.gen(function* () {
      const take = yield* subscribes(feed)
      yield* take
      for (const n of [3, 3, 1, 2, 3]) feed.tell(rate(NAIRA, n))
      feed.tell(rate(SHILLING, 1))
      assert.deepStrictEqual(yield* take, ["1 USD:NGN=3", "2 USD:KES=1"])
      feed.apply(3, rate(NAIRA, 2))
      assert.deepStrictEqual(yield* take, ["3 USD:NGN=3"])
      assert.strictEqual(numberOf(feed.newest(NAIRA) ?? rate(NAIRA, 0)), 3)
    }))

  test("leaves out a number that was told, and tells of a gap where one is missing", (feed) =>
    Effect.gen(function* () {
      const take = yield* subscribes(feed)
      yield* take
      feed.apply(1, rate(NAIRA, 1))
      feed.apply(1, rate(NAIRA, 2))
      feed.apply(0, rate(NAIRA, 3))
      assert.deepStrictEqual(yield* take, ["1 USD:NGN=1"])
      feed.apply(4, rate(NAIRA, 4))
      assert.deepStrictEqual(yield* take, ["4 gap since 1", "4 all USD:NGN=4"])
      feed.apply(5, rate(SHILLING, 5))
      assert.deepStrictEqual(yield* take, ["5 USD:KES=5"])
      assert.deepStrictEqual(yield* resumed(feed, 3), ["4 USD:NGN=4", "5 USD:KES=5"])
      assert.strictEqual((yield* resumed(feed, 2))[0], "5 gap since 2")
    }))

  test("tells a reader who comes back exactly what was missed", (feed) =>
    Effect.gen(function* () {
      tellMany(feed, 9)
      assert.deepStrictEqual(yield* resumed(feed, 9), [])
      assert.deepStrictEqual(yield* resumed(feed, 8), ["9 EUR:GHS=9"])
      assert.deepStrictEqual(yield* resumed(feed, 5), [
        "6 EUR:GHS=6",
        "7 USD:NGN=7",
        "8 USD:KES=8",
        "9 EUR:GHS=9"
      ])
      assert.deepStrictEqual(yield* resumed(feed, 4, [NAIRA, SHILLING]), [
        "5 USD:KES=5",
        "7 USD:NGN=7",
        "8 USD:KES=8"
      ])
      assert.deepStrictEqual(yield* resumed(feed, 8, [NAIRA]), [])
    }))

  test("tells a reader who missed too much of a gap, and everything", (feed) =>
    Effect.gen(function* () {
      tellMany(feed, RateFeed.HISTORY + 2)
      const last = RateFeed.HISTORY + 2
      assert.strictEqual((yield* resumed(feed, 2)).length, RateFeed.HISTORY)
      const everything = `${last} all USD:NGN=1000,USD:KES=1001,EUR:GHS=1002`
      assert.deepStrictEqual(yield* resumed(feed, 1), [`${last} gap since 1`, everything])
      assert.deepStrictEqual(yield* resumed(feed, 1, [SHILLING]), [
        `${last} gap since 1`,
        `${last} all USD:KES=1001`
      ])
    }))

  test("tells a reader who is ahead, or of another epoch, of a gap, and everything", (feed) =>
    Effect.gen(function* () {
      tellMany(feed, 2)
      assert.deepStrictEqual(yield* resumed(feed, 3), ["2 gap since 3", "2 all USD:NGN=1,USD:KES=2"])
      const take = yield* subscribes(feed, { since: { epoch: "another", sequence: 2 } })
      assert.deepStrictEqual(yield* take, ["2 gap since 2", "2 all USD:NGN=1,USD:KES=2"])
    }))

  test("tells everyone of a gap, and everything, when an epoch begins", (feed) =>
    Effect.gen(function* () {
      tellMany(feed, 2)
      const [early, late] = [yield* subscribes(feed), yield* subscribes(feed, { pairs: [CEDI] })]
      yield* early
      feed.begin({ epoch: "1763698037086", sequence: 7 }, [
        [6, rate(NAIRA, 0)],
        [7, rate(CEDI, 5)]
      ])
      assert.deepStrictEqual(feed.position(), { epoch: "1763698037086", sequence: 7 })
      assert.deepStrictEqual(yield* early, ["7 gap since 2", "7 all USD:NGN=1,USD:KES=2,EUR:GHS=5"])
      assert.deepStrictEqual(yield* late, ["2 all ", "7 gap since 2", "7 all EUR:GHS=5"])
      assert.deepStrictEqual(yield* resumed(feed, 6), ["7 EUR:GHS=5"])
      assert.deepStrictEqual((yield* resumed(feed, 4))[0], "7 gap since 4")
    }))

  test("fills the mailbox of a reader no more once it has gone", (feed) =>
    Effect.gen(function* () {
      const { take } = yield* Effect.scoped(feed.subscribe({}))
      yield* take
      feed.tell(rate(NAIRA, 1))
      const waits = yield* Effect.forkChild(take, { startImmediately: true })
      assert.isUndefined(waits.pollUnsafe())
    }))
})
