import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import type { AssetPair } from "../../../src/domain/money/AssetPair.ts"
import type { Rate } from "../../../src/domain/rates/Rate.ts"
import type { RateChanged, RateEvent } from "../../../src/domain/rates/RateEvent.ts"
import * as Mailbox from "../../../src/rates/feed/Mailbox.ts"
import { EUR_GHS, USD_NGN, numberOf, poll, rate, USD_KES } from "../../support/SampleRates.ts"
import { pairOf } from "../../support/RateTicks.ts"

const EPOCH = "e1"

/** Creates a mailbox with functions that change rates and finish polls. */
const make = (pairs?: ReadonlyArray<AssetPair>) => {
  const latest = new Map<string, Rate>()
  let sequence = 0
  const mailbox = Mailbox.make({
    pairs,
    deliveredUpTo: { epoch: EPOCH, sequence },
    initialEvents: [],
    snapshot: () => ({ _tag: "Snapshot", epoch: EPOCH, sequence, rates: Array.from(latest.values()) })
  })
  const change = (pair: AssetPair) => {
    sequence++
    const changed: RateChanged = {
      _tag: "RateChanged",
      epoch: EPOCH,
      sequence,
      rate: rate(pair, sequence)
    }
    latest.set(pair.key, changed.rate)
    mailbox.offer(changed)
  }
  const finishPoll = () =>
    mailbox.offer({ _tag: "PollFinished", epoch: EPOCH, sequence, run: poll(sequence) })
  return { ...mailbox, change, finishPoll }
}

/** Formats an event as short text. */
const format = (event: RateEvent): string => {
  switch (event._tag) {
    case "RateChanged":
      return `${event.sequence} ${event.rate.pair.key}`
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

const takes = (box: Mailbox.Mailbox) => Effect.map(box.take, (events) => events.map(format))

describe("Mailbox", () => {
  it.effect("delivers changes of different pairs in order", () =>
    Effect.gen(function* () {
      const box = make()
      for (const pair of [USD_KES, USD_NGN, EUR_GHS]) box.change(pair)
      box.finishPoll()
      assert.deepStrictEqual(yield* takes(box), ["1 USD:KES", "2 USD:NGN", "3 EUR:GHS", "3 poll"])
      box.change(USD_NGN)
      assert.deepStrictEqual(yield* takes(box), ["4 USD:NGN"])
    })
  )

  it.effect("delivers a gap and a snapshot when a pair with a queued change changes again", () =>
    Effect.gen(function* () {
      const box = make()
      box.change(USD_NGN)
      yield* box.take
      for (const pair of [USD_KES, USD_NGN, USD_NGN, EUR_GHS]) box.change(pair)
      assert.deepStrictEqual(yield* takes(box), ["5 gap since 1", "5 all USD:NGN=4,USD:KES=2,EUR:GHS=5"])
      box.change(USD_KES)
      assert.deepStrictEqual(yield* takes(box), ["6 USD:KES"])
    })
  )

  it.effect("delivers only the latest poll, after the changes before it", () =>
    Effect.gen(function* () {
      const box = make()
      box.change(USD_NGN)
      box.finishPoll()
      box.change(USD_KES)
      box.finishPoll()
      assert.deepStrictEqual(yield* takes(box), ["1 USD:NGN", "2 USD:KES", "2 poll"])
      box.change(USD_NGN)
      box.change(USD_NGN)
      box.finishPoll()
      assert.deepStrictEqual(yield* takes(box), ["4 gap since 2", "4 all USD:NGN=4,USD:KES=2", "4 poll"])
    })
  )

  it.effect("waits while empty, and is woken by every kind of event", () =>
    Effect.gen(function* () {
      const box = make()
      const wakers = [
        () => box.change(USD_NGN),
        box.finishPoll,
        () => box.requestSnapshot("subscribed"),
        () => box.requestSnapshot("all"),
        box.invalidate
      ]
      for (const wake of wakers) {
        const taker = yield* Effect.forkChild(box.take, { startImmediately: true })
        yield* Effect.yieldNow
        assert.isUndefined(taker.pollUnsafe())
        wake()
        assert.isNotEmpty(yield* Fiber.join(taker))
      }
    })
  )

  it.effect("loses no event when a taker is interrupted or woken without an event", () =>
    Effect.gen(function* () {
      const box = make([USD_NGN])
      const first = yield* Effect.forkChild(box.take, { startImmediately: true })
      yield* Fiber.interrupt(first)
      box.change(USD_NGN)
      box.setPairs([USD_KES])
      const second = yield* Effect.forkChild(takes(box), { startImmediately: true })
      yield* Effect.yieldNow
      assert.isUndefined(second.pollUnsafe())
      box.change(USD_KES)
      assert.deepStrictEqual(yield* Fiber.join(second), ["2 USD:KES"])
    })
  )

  it.effect("delivers only subscribed pairs, and polls", () =>
    Effect.gen(function* () {
      const box = make([USD_NGN])
      for (const pair of [USD_KES, USD_NGN, USD_KES, EUR_GHS]) box.change(pair)
      box.finishPoll()
      assert.deepStrictEqual(yield* takes(box), ["2 USD:NGN", "4 poll"])
      box.setPairs([USD_KES, EUR_GHS])
      for (const pair of [USD_NGN, USD_KES, USD_NGN]) box.change(pair)
      assert.deepStrictEqual(yield* takes(box), ["6 USD:KES"])
      box.setPairs(undefined)
      box.change(USD_NGN)
      assert.deepStrictEqual(yield* takes(box), ["8 USD:NGN"])
    })
  )

  it.effect("drops queued changes of pairs that are no longer subscribed", () =>
    Effect.gen(function* () {
      const box = make()
      for (const pair of [USD_KES, USD_NGN]) box.change(pair)
      box.setPairs([USD_NGN])
      assert.deepStrictEqual(yield* takes(box), ["2 USD:NGN"])
    })
  )

  it.effect("delivers a requested snapshot without a gap", () =>
    Effect.gen(function* () {
      const box = make([USD_NGN])
      for (const pair of [USD_KES, USD_NGN]) box.change(pair)
      box.requestSnapshot("subscribed")
      assert.deepStrictEqual(yield* takes(box), ["2 all USD:NGN=2"])
      box.requestSnapshot("all")
      box.requestSnapshot("subscribed")
      assert.deepStrictEqual(yield* takes(box), ["2 all USD:KES=1,USD:NGN=2"])
      box.requestSnapshot("subscribed")
      box.invalidate()
      assert.deepStrictEqual(yield* takes(box), ["2 gap since 2", "2 all USD:NGN=2"])
    })
  )

  it.effect("queues at most one event per pair, however many changes there are", () =>
    Effect.gen(function* () {
      const pairs = ["NGN", "KES", "GHS", "ZAR"].map((to) => pairOf("USD", to))
      const box = make()
      for (let i = 0; i < 25_000; i++) {
        pairs.forEach(box.change)
        box.finishPoll()
      }
      const events = yield* box.take
      assert.deepStrictEqual(
        events.map(({ _tag, sequence }) => `${sequence} ${_tag}`),
        ["100000 Gap", "100000 Snapshot", "100000 PollFinished"]
      )
      assert.strictEqual(events[1]?._tag === "Snapshot" ? events[1].rates.length : 0, pairs.length)
    })
  )
})
