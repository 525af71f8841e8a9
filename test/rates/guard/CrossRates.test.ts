import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import { type Rate, RateId } from "../../../src/domain/rates/Rate.ts"
import { Broadcaster } from "../../../src/rates/feed/Broadcaster.ts"
import { CrossRates } from "../../../src/rates/guard/CrossRates.ts"
import { tick } from "../../support/RateTicks.ts"
import * as TestRates from "../TestRates.ts"

const rateOf = Effect.fnUntraced(function* (pair: string, text: string) {
  const [from = "", to = ""] = pair.split(":")
  const { observedAt, pair: found, provider, rate } = yield* tick(from, to, text)
  const id = RateId.make("01980000-0000-7000-8000-000000000001")
  return { id, pair: found, rate, provider, observedAt } satisfies Rate
})

/** Good rates of other pairs, as they are while the cedi loses half of its value: only polled pairs have its new level. */
const GOOD = {
  "USD:KES": "125",
  "USD:NGN": "1500",
  "EUR:GHS": "25",
  "EUR:KES": "125",
  "EUR:NGN": "1500",
  "GBP:GHS": "25",
  "GBP:KES": "125",
  "GBP:NGN": "1500",
  "NGN:GHS": "0.00833",
  "NGN:KES": "0.0833",
  "KES:GHS": "0.1",
  "KES:NGN": "12",
  "MAD:GHS": "1.2",
  "MAD:KES": "12",
  "MAD:NGN": "150",
  "ZAR:GHS": "0.7",
  "ZAR:KES": "7",
  "ZAR:NGN": "84"
}

const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const { publish } = yield* Broadcaster
    for (const [pair, rate] of Object.entries(GOOD)) yield* publish(yield* rateOf(pair, rate))
  })
).pipe(Layer.provideMerge(CrossRates.layer), Layer.provideMerge(TestRates.layer()))

describe("CrossRates", () => {
  it.effect("compares a polled pair with polled pairs only", () =>
    Effect.gen(function* () {
      const crossRates = yield* CrossRates
      const moved = yield* tick("USD", "GHS", "25")
      assert.deepStrictEqual(
        crossRates.mismatch(moved, Option.some((yield* tick("USD", "GHS", "12.5")).rate)),
        []
      )
    }).pipe(Effect.provide(layer))
  )

  it.effect("compares a pair that is not polled with all pairs", () =>
    Effect.gen(function* () {
      const crossRates = yield* CrossRates
      const wrong = yield* tick("ZAR", "GHS", "5")
      assert.deepStrictEqual(
        crossRates.mismatch(wrong, Option.none()).map(({ reason }) => reason),
        ["triangle"]
      )
    }).pipe(Effect.provide(layer))
  )
})
