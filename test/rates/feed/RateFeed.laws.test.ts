import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import type { Scope } from "effect"
import { SecureRandom } from "effect/crypto"
import { isNewer, type Rate } from "../../../src/domain/rates/Rate.ts"
import * as RateFeed from "../../../src/rates/feed/RateFeed.ts"
import { makeReader } from "../../support/FeedReader.ts"
import { numberOf, poll, rate } from "../../support/SampleRates.ts"
import { pairOf } from "../../support/RateTicks.ts"

const PAIRS = ["NGN", "KES", "GHS"].map((to) => pairOf("USD", to))
const READERS = 3

const below = (limit: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: limit - 1 }))
const reader = below(READERS)

/** Possible actions, discriminated by the first member. */
const Action = Schema.Union([
  Schema.Tuple([Schema.Literal("publish"), below(PAIRS.length), below(60)]),
  Schema.Tuple([Schema.Literal("publish"), below(PAIRS.length), below(60)]),
  Schema.Tuple([Schema.Literal("apply"), below(PAIRS.length), below(60), below(4)]),
  Schema.Tuple([Schema.Literal("poll")]),
  Schema.Tuple([Schema.Literal("take"), reader]),
  Schema.Tuple([Schema.Literal("take"), reader]),
  Schema.Tuple([Schema.Literal("resume"), reader]),
  Schema.Tuple([Schema.Literal("snapshot"), reader]),
  Schema.Tuple([Schema.Literal("start epoch"), below(5)])
])

const play = Effect.fnUntraced(function* (history: ReadonlyArray<typeof Action.Type>) {
  const feed = yield* RateFeed.make()
  const readers = yield* Effect.forEach([undefined, undefined, PAIRS.slice(1)], (pairs) =>
    makeReader(feed, pairs ?? PAIRS, pairs !== undefined)
  )
  const model = new Map<string, Rate>()
  let epoch = 1_763_698_037_086
  const updateModel = (rate: Rate) => {
    const known = model.get(rate.pair.key)
    if (known === undefined || isNewer(rate, known)) model.set(rate.pair.key, rate)
    return rate
  }
  const rateOf = (pair: number, n: number) => updateModel(rate(PAIRS[pair] ?? assert.fail("no such pair"), n))
  const readerOf = (index: number) => readers[index] ?? assert.fail("no such reader")

  const act = ([kind, ...rest]: typeof Action.Type): Effect.Effect<void, never, Scope.Scope> | void => {
    const [first = 0, n = 0, skipped = 0] = rest
    switch (kind) {
      case "publish":
        return feed.publish(rateOf(first, n))
      case "apply":
        // With other publishers, sequence numbers are skipped or repeated.
        return skipped === 0
          ? feed.apply(feed.position().sequence, rate(pairOf("USD", "ZAR"), n))
          : feed.apply(feed.position().sequence + skipped, rateOf(first, n))
      case "poll":
        return feed.publishPoll(poll(1))
      case "start epoch":
        return feed.startEpoch({ epoch: String(++epoch), sequence: first }, [])
      case "take":
        return readerOf(first).take
      case "resume":
        return readerOf(first).resume
      case "snapshot":
        return readerOf(first).requestSnapshot()
    }
  }

  for (const action of history) {
    const effect = act(action)
    if (effect !== undefined) yield* effect
  }
  for (const { pairs, take, view } of readers) {
    yield* take
    for (const { key } of pairs) {
      const [seen, newest] = [view.get(key), model.get(key)]
      assert.strictEqual(seen && numberOf(seen), newest && numberOf(newest), key)
    }
  }
})

describe("RateFeed", () => {
  it.effect.prop(
    "gives every subscriber the latest rates, in order, after any history",
    [Schema.Array(Action)],
    ([history]) => Effect.scoped(play(history)).pipe(Effect.provide(SecureRandom.layerWebCrypto)),
    { arbitrary: { runs: 1000, size: 120 } }
  )
})
