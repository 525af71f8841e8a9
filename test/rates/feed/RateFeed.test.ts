import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Latch } from "effect"
import type { Scope } from "effect"
import { SecureRandom } from "effect/crypto"
import type { AssetPair } from "../../../src/domain/money/AssetPair.ts"
import type { Rate } from "../../../src/domain/rates/Rate.ts"
import type { RateEvent } from "../../../src/domain/rates/RateEvent.ts"
import * as RateFeed from "../../../src/rates/feed/RateFeed.ts"
import { EUR_GHS, USD_NGN, numberOf, poll, rate, USD_KES } from "../../support/SampleRates.ts"

const make = (isStale?: (rate: Rate) => boolean) =>
  Effect.provide(RateFeed.make(isStale), SecureRandom.layerWebCrypto)

const test = (name: string, body: (feed: RateFeed.RateFeed) => Effect.Effect<void, never, Scope.Scope>) =>
  it.effect(name, () => Effect.scoped(Effect.flatMap(make(), body)))

const format = (event: RateEvent): string => {
  switch (event._tag) {
    case "RateChanged":
      return `${event.sequence} ${event.rate.pair.key}=${numberOf(event.rate)}`
    case "Snapshot":
      return `${event.sequence} all ${event.rates.map((rate) => `${rate.pair.key}=${numberOf(rate)}`).join()}`
    case "RateStale":
      return `${event.sequence} stale ${event.rate.pair.key}=${numberOf(event.rate)}`
    case "PollFinished":
      return `${event.sequence} poll`
    case "Gap":
      return `${event.sequence} gap since ${event.since.sequence}`
  }
}

const subscribe = (feed: RateFeed.RateFeed, subscription: RateFeed.Subscription = {}) =>
  Effect.map(feed.subscribe(subscription), ({ take }) =>
    Effect.map(take, (events) => {
      assert.strictEqual(events.at(-1)?.epoch, feed.position().epoch)
      return events.map(format)
    })
  )

/** First events of a subscriber that received everything up to `sequence` and reconnects. */
const resumed = Effect.fnUntraced(function* (
  feed: RateFeed.RateFeed,
  sequence: number,
  pairs?: ReadonlyArray<AssetPair>
) {
  const take = yield* subscribe(feed, { since: { ...feed.position(), sequence }, pairs })
  // The poll makes sure that there is an event to take.
  feed.publishPoll(poll(1))
  return (yield* take).slice(0, -1)
})

const publishMany = (feed: RateFeed.RateFeed, count: number) => {
  const pairs = [USD_NGN, USD_KES, EUR_GHS]
  for (let i = 0; i < count; i++) feed.publish(rate(pairs[i % 3] ?? USD_NGN, i + 1))
}

describe("RateFeed", () => {
  test("delivers a snapshot first, and then every change under the next sequence number", (feed) =>
    Effect.gen(function* () {
      feed.seed([rate(EUR_GHS, 1)])
      const take = yield* subscribe(feed)
      assert.deepStrictEqual(yield* take, ["0 all EUR:GHS=1"])
      feed.publish(rate(USD_NGN, 2))
      feed.publish(rate(USD_KES, 3))
      feed.publishPoll(poll(1))
      assert.deepStrictEqual(yield* take, ["1 USD:NGN=2", "2 USD:KES=3", "2 poll"])
    }))

  test("delivers a snapshot of the subscribed pairs first", (feed) =>
    Effect.gen(function* () {
      publishMany(feed, 6)
      assert.deepStrictEqual(yield* yield* subscribe(feed, { pairs: [USD_KES] }), ["6 all USD:KES=5"])
      assert.deepStrictEqual(yield* yield* subscribe(feed, { pairs: [] }), ["6 all "])
    }))

  test("delivers a rate once, and never an older one after a newer one", (feed) =>
    Effect.gen(function* () {
      const take = yield* subscribe(feed)
      yield* take
      for (const n of [3, 3, 1, 2, 3]) feed.publish(rate(USD_NGN, n))
      feed.publish(rate(USD_KES, 1))
      assert.deepStrictEqual(yield* take, ["1 USD:NGN=3", "2 USD:KES=1"])
      feed.apply(3, rate(USD_NGN, 2))
      assert.deepStrictEqual(yield* take, ["3 USD:NGN=3"])
      assert.strictEqual(numberOf(feed.latest(USD_NGN) ?? rate(USD_NGN, 0)), 3)
    }))

  test("ignores a published sequence number, and delivers a gap for a missing one", (feed) =>
    Effect.gen(function* () {
      const take = yield* subscribe(feed)
      yield* take
      feed.apply(1, rate(USD_NGN, 1))
      feed.apply(1, rate(USD_NGN, 2))
      feed.apply(0, rate(USD_NGN, 3))
      assert.deepStrictEqual(yield* take, ["1 USD:NGN=1"])
      feed.apply(4, rate(USD_NGN, 4))
      assert.deepStrictEqual(yield* take, ["4 gap since 1", "4 all USD:NGN=4"])
      feed.apply(5, rate(USD_KES, 5))
      assert.deepStrictEqual(yield* take, ["5 USD:KES=5"])
      assert.deepStrictEqual(yield* resumed(feed, 3), ["4 USD:NGN=4", "5 USD:KES=5"])
      assert.strictEqual((yield* resumed(feed, 2))[0], "5 gap since 2")
    }))

  test("delivers exactly the missed changes to a subscriber that resumes", (feed) =>
    Effect.gen(function* () {
      publishMany(feed, 9)
      assert.deepStrictEqual(yield* resumed(feed, 9), [])
      assert.deepStrictEqual(yield* resumed(feed, 8), ["9 EUR:GHS=9"])
      assert.deepStrictEqual(yield* resumed(feed, 5), [
        "6 EUR:GHS=6",
        "7 USD:NGN=7",
        "8 USD:KES=8",
        "9 EUR:GHS=9"
      ])
      assert.deepStrictEqual(yield* resumed(feed, 4, [USD_NGN, USD_KES]), [
        "5 USD:KES=5",
        "7 USD:NGN=7",
        "8 USD:KES=8"
      ])
      assert.deepStrictEqual(yield* resumed(feed, 8, [USD_NGN]), [])
    }))

  test("delivers a gap and a snapshot to a subscriber that missed too many changes", (feed) =>
    Effect.gen(function* () {
      publishMany(feed, RateFeed.HISTORY_SIZE + 2)
      const last = RateFeed.HISTORY_SIZE + 2
      assert.strictEqual((yield* resumed(feed, 2)).length, RateFeed.HISTORY_SIZE)
      const snapshot = `${last} all USD:NGN=1000,USD:KES=1001,EUR:GHS=1002`
      assert.deepStrictEqual(yield* resumed(feed, 1), [`${last} gap since 1`, snapshot])
      assert.deepStrictEqual(yield* resumed(feed, 1, [USD_KES]), [
        `${last} gap since 1`,
        `${last} all USD:KES=1001`
      ])
    }))

  test("delivers a gap and a snapshot to a subscriber that is ahead or in another epoch", (feed) =>
    Effect.gen(function* () {
      publishMany(feed, 2)
      assert.deepStrictEqual(yield* resumed(feed, 3), ["2 gap since 3", "2 all USD:NGN=1,USD:KES=2"])
      const take = yield* subscribe(feed, { since: { epoch: "another", sequence: 2 } })
      assert.deepStrictEqual(yield* take, ["2 gap since 2", "2 all USD:NGN=1,USD:KES=2"])
    }))

  test("delivers a gap and a snapshot to every subscriber when an epoch starts", (feed) =>
    Effect.gen(function* () {
      publishMany(feed, 2)
      const [early, late] = [yield* subscribe(feed), yield* subscribe(feed, { pairs: [EUR_GHS] })]
      yield* early
      feed.startEpoch({ epoch: "1763698037086", sequence: 7 }, [
        [6, rate(USD_NGN, 0)],
        [7, rate(EUR_GHS, 5)]
      ])
      assert.deepStrictEqual(feed.position(), { epoch: "1763698037086", sequence: 7 })
      assert.deepStrictEqual(yield* early, ["7 gap since 2", "7 all USD:NGN=1,USD:KES=2,EUR:GHS=5"])
      assert.deepStrictEqual(yield* late, ["2 all ", "7 gap since 2", "7 all EUR:GHS=5"])
      assert.deepStrictEqual(yield* resumed(feed, 6), ["7 EUR:GHS=5"])
      assert.deepStrictEqual((yield* resumed(feed, 4))[0], "7 gap since 4")
    }))

  test("delivers nothing to a subscriber that is ahead before the feed has caught up, and then what it missed", (feed) =>
    Effect.gen(function* () {
      publishMany(feed, 3)
      const { epoch } = feed.position()
      const caughtUp = yield* Latch.make()
      const subscription = { since: { epoch, sequence: 4 } }
      const { take } = yield* feed.subscribe(subscription, () => caughtUp.await)
      const taker = yield* Effect.forkChild(take, { startImmediately: true })
      feed.publish(rate(USD_NGN, 4))
      feed.publish(rate(USD_KES, 5))
      feed.startEpoch({ epoch, sequence: 5 }, [
        [4, rate(USD_NGN, 4)],
        [5, rate(USD_KES, 5)]
      ])
      yield* Effect.yieldNow
      assert.isUndefined(taker.pollUnsafe())
      yield* caughtUp.open
      assert.deepStrictEqual((yield* Fiber.join(taker)).map(format), ["5 USD:KES=5"])
      feed.publish(rate(EUR_GHS, 6))
      assert.deepStrictEqual((yield* take).map(format), ["6 EUR:GHS=6"])
    }))

  test("delivers a gap since the subscriber's own position after another epoch was caught up with", (feed) =>
    Effect.gen(function* () {
      const caughtUp = yield* Latch.make()
      const subscription = { since: { epoch: "other", sequence: 9 } }
      const { take } = yield* feed.subscribe(subscription, () => caughtUp.await)
      feed.publishPoll(poll(1))
      feed.publish(rate(USD_NGN, 1))
      yield* caughtUp.open
      assert.deepStrictEqual((yield* take).map(format), ["1 gap since 9", "1 all USD:NGN=1", "1 poll"])
    }))

  it.effect("publishes a rate as stale once, and again only for its successor", () =>
    Effect.gen(function* () {
      const stale = new Set<number>([1])
      const isStale = (rate: Rate) => stale.has(numberOf(rate))
      const feed = yield* make(isStale)
      const take = yield* subscribe(feed)
      const narrow = yield* subscribe(feed, { pairs: [USD_KES] })
      yield* take
      yield* narrow
      feed.publish(rate(EUR_GHS, 1))
      feed.publish(rate(USD_NGN, 2))
      feed.publish(rate(USD_KES, 3))
      yield* take
      // A rate that was published as stale is not repeated.
      feed.publishStale(isStale)
      stale.add(2)
      for (let i = 0; i < 2; i++) feed.publishStale(isStale)
      assert.deepStrictEqual(yield* take, ["3 stale USD:NGN=2"])
      stale.add(3).add(4)
      feed.publish(rate(USD_NGN, 5))
      feed.publishStale(isStale)
      assert.deepStrictEqual(yield* take, ["4 USD:NGN=5", "4 stale USD:KES=3"])
      assert.deepStrictEqual(yield* narrow, ["3 USD:KES=3", "4 stale USD:KES=3"])
      stale.add(5)
      feed.publishStale(isStale)
      feed.publish(rate(USD_NGN, 6))
      // The stale rate was replaced before it was taken.
      assert.deepStrictEqual(yield* take, ["5 USD:NGN=6"])
      const { epoch } = feed.position()
      const resumed = yield* subscribe(feed, { since: { epoch, sequence: 4 } })
      assert.deepStrictEqual(yield* resumed, ["5 USD:NGN=6", "5 stale USD:KES=3"])
    }).pipe(Effect.scoped)
  )

  test("stops filling the mailbox of a subscriber that has left", (feed) =>
    Effect.gen(function* () {
      const { take } = yield* Effect.scoped(feed.subscribe({}))
      yield* take
      feed.publish(rate(USD_NGN, 1))
      const taker = yield* Effect.forkChild(take, { startImmediately: true })
      assert.isUndefined(taker.pollUnsafe())
    }))
})
