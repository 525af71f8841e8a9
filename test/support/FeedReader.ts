import { assert } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import type { AssetPair } from "../../src/domain/money/AssetPair.ts"
import { isNewer, type Rate } from "../../src/domain/rates/Rate.ts"
import type { RateEvent } from "../../src/domain/rates/RateEvent.ts"
import type { StreamPosition } from "../../src/domain/rates/StreamPosition.ts"
import type { Mailbox } from "../../src/rates/feed/Mailbox.ts"
import * as RateFeed from "../../src/rates/feed/RateFeed.ts"

/** Creates a subscriber that applies events to a view, and asserts that they are in order. */
export const makeReader = Effect.fnUntraced(function* (
  feed: Pick<RateFeed.RateFeed, "subscribe">,
  all: ReadonlyArray<AssetPair>,
  isNarrowed = false
) {
  const pairs = isNarrowed ? all : undefined
  const view = new Map<string, Rate>()
  let at: StreamPosition | undefined
  let mailbox: Mailbox = yield* feed.subscribe({ pairs })

  const apply = (event: RateEvent) => {
    const isNext = at !== undefined && at.epoch === event.epoch
    if (isNext && at !== undefined) assert.isAtLeast(event.sequence, at.sequence)
    if (event._tag === "Gap") {
      assert.strictEqual(event.since.epoch, at?.epoch)
      assert.isAtLeast(event.since.sequence, at?.sequence ?? 0)
      if (pairs === undefined) assert.deepStrictEqual(event.since, at)
    }
    if (event._tag === "Snapshot") {
      for (const rate of event.rates) {
        const known = view.get(rate.pair.key)
        assert.isFalse(known !== undefined && isNewer(known, rate), "an older rate after a newer one")
      }
      view.clear()
      for (const rate of event.rates) view.set(rate.pair.key, rate)
    }
    if (event._tag === "RateChanged") {
      assert.isTrue(isNext, "a change of an unknown epoch")
      const step = event.sequence - (at?.sequence ?? 0)
      if (pairs === undefined) assert.strictEqual(step, 1, "a missing or repeated change")
      else assert.isAtLeast(step, 1)
      const known = view.get(event.rate.pair.key)
      assert.isFalse(known !== undefined && isNewer(known, event.rate), "an older rate after a newer one")
      view.set(event.rate.pair.key, event.rate)
    }
    at = { epoch: event.epoch, sequence: event.sequence }
  }

  /** Applies the queued events, if there are any. */
  const take = Effect.gen(function* () {
    const taking = yield* Effect.forkChild(mailbox.take, { startImmediately: true })
    const isWaiting = taking.pollUnsafe() === undefined
    if (isWaiting) return yield* Fiber.interrupt(taking)
    const events = yield* Fiber.join(taking)
    assert.isAtMost(events.length, RateFeed.HISTORY_SIZE + all.length + 3)
    events.forEach(apply)
  })

  /** Reconnects at the last position. Events in the mailbox are lost. */
  const resume = Effect.gen(function* () {
    mailbox = yield* feed.subscribe({ pairs, since: at })
  })

  return { view, take, resume, requestSnapshot: () => mailbox.requestSnapshot("subscribed"), pairs: all }
})
