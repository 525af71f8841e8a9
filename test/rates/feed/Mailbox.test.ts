import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import type { CurrencyPair } from "../../../src/domain/money/CurrencyPair.ts"
import type { Rate } from "../../../src/domain/rates/Rate.ts"
import type { RateChanged, RateEvent } from "../../../src/domain/rates/RateEvent.ts"
import * as Mailbox from "../../../src/rates/feed/Mailbox.ts"
import { CEDI, NAIRA, numberOf, poll, rate, SHILLING } from "../../support/SampleRates.ts"
import { pairOf } from "../../support/RateTicks.ts"

const EPOCH = "e1"

/** Rates whose changes are offered to the mailbox of one reader. */
const make = (pairs?: ReadonlyArray<CurrencyPair>) => {
  const newest = new Map<string, Rate>()
  let sequence = 0
  const mailbox = Mailbox.make({
    pairs,
    told: { epoch: EPOCH, sequence },
    first: [],
    snapshot: () => ({ _tag: "Snapshot", epoch: EPOCH, sequence, rates: Array.from(newest.values()) })
  })
  const change = (pair: CurrencyPair) => {
    sequence++
    const changed: RateChanged = {
      _tag: "RateChanged",
      epoch: EPOCH,
      sequence,
      rate: rate(pair, sequence)
    }
    newest.set(pair.key, changed.rate)
    mailbox.offer(changed)
  }
  const finishPoll = () =>
    mailbox.offer({ _tag: "PollFinished", epoch: EPOCH, sequence, run: poll(sequence) })
  return { ...mailbox, change, finishPoll }
}

/** What events say, in short. */
const short = (event: RateEvent): string => {
  switch (event._tag) {
    case "RateChanged":
      return `${event.sequence} ${event.rate.pair.key}`
    case "Snapshot":
      return `${event.sequence} all ${event.rates.map((rate) => `${rate.pair.key}=${numberOf(rate)}`).join()}`
    case "PollFinished":
      return `${event.sequence} poll`
    case "Gap":
      return `${event.sequence} gap since ${event.since.sequence}`
  }
}

const takes = (box: Mailbox.Mailbox) => Effect.map(box.take, (events) => events.map(short))

describe("Mailbox", () => {
  it.effect("tells the changes of different pairs in their order", () =>
    Effect.gen(function* () {
      const box = make()
      for (const pair of [SHILLING, NAIRA, CEDI]) box.change(pair)
      box.finishPoll()
      assert.deepStrictEqual(yield* takes(box), ["1 USD:KES", "2 USD:NGN", "3 EUR:GHS", "3 poll"])
      box.change(NAIRA)
      assert.deepStrictEqual(yield* takes(box), ["4 USD:NGN"])
    })
  )

  it.effect("tells of a gap and everything anew where a change waits and its pair changes again", () =>
    Effect.gen(function* () {
      const box = make()
      box.change(NAIRA)
      yield* box.take
      for (const pair of [SHILLING, NAIRA, NAIRA, CEDI]) box.change(pair)
      assert.deepStrictEqual(yield* takes(box), ["5 gap since 1", "5 all USD:NGN=4,USD:KES=2,EUR:GHS=5"])
      box.change(SHILLING)
      assert.deepStrictEqual(yield* takes(box), ["6 USD:KES"])
    })
  )

  it.effect("tells of the last poll only, behind what came before it", () =>
    Effect.gen(function* () {
      const box = make()
      box.change(NAIRA)
      box.finishPoll()
      box.change(SHILLING)
      box.finishPoll()
      assert.deepStrictEqual(yield* takes(box), ["1 USD:NGN", "2 USD:KES", "2 poll"])
      box.change(NAIRA)
      box.change(NAIRA)
      box.finishPoll()
      assert.deepStrictEqual(yield* takes(box), ["4 gap since 2", "4 all USD:NGN=4,USD:KES=2", "4 poll"])
    })
  )

  it.effect("waits for what comes, and is woken by each kind of it", () =>
    Effect.gen(function* () {
      const box = make()
      const wakers = [
        () => box.change(NAIRA),
        box.finishPoll,
        () => box.refresh(false),
        () => box.refresh(true),
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

  it.effect("loses nothing when a taker is interrupted, nor when it is woken for nothing", () =>
    Effect.gen(function* () {
      const box = make([NAIRA])
      const first = yield* Effect.forkChild(box.take, { startImmediately: true })
      yield* Fiber.interrupt(first)
      box.change(NAIRA)
      box.want([SHILLING])
      const second = yield* Effect.forkChild(takes(box), { startImmediately: true })
      yield* Effect.yieldNow
      assert.isUndefined(second.pollUnsafe())
      box.change(SHILLING)
      assert.deepStrictEqual(yield* Fiber.join(second), ["2 USD:KES"])
    })
  )

  it.effect("tells only of the pairs that are wanted, and of polls", () =>
    Effect.gen(function* () {
      const box = make([NAIRA])
      for (const pair of [SHILLING, NAIRA, SHILLING, CEDI]) box.change(pair)
      box.finishPoll()
      assert.deepStrictEqual(yield* takes(box), ["2 USD:NGN", "4 poll"])
      box.want([SHILLING, CEDI])
      for (const pair of [NAIRA, SHILLING, NAIRA]) box.change(pair)
      assert.deepStrictEqual(yield* takes(box), ["6 USD:KES"])
      box.want(undefined)
      box.change(NAIRA)
      assert.deepStrictEqual(yield* takes(box), ["8 USD:NGN"])
    })
  )

  it.effect("drops what waits and is not wanted any more", () =>
    Effect.gen(function* () {
      const box = make()
      for (const pair of [SHILLING, NAIRA]) box.change(pair)
      box.want([NAIRA])
      assert.deepStrictEqual(yield* takes(box), ["2 USD:NGN"])
    })
  )

  it.effect("tells everything anew where it is asked to, without a gap", () =>
    Effect.gen(function* () {
      const box = make([NAIRA])
      for (const pair of [SHILLING, NAIRA]) box.change(pair)
      box.refresh(false)
      assert.deepStrictEqual(yield* takes(box), ["2 all USD:NGN=2"])
      box.refresh(true)
      box.refresh(false)
      assert.deepStrictEqual(yield* takes(box), ["2 all USD:KES=1,USD:NGN=2"])
      box.refresh(false)
      box.invalidate()
      assert.deepStrictEqual(yield* takes(box), ["2 gap since 2", "2 all USD:NGN=2"])
    })
  )

  it.effect("holds one event per pair at most, however many there were", () =>
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
