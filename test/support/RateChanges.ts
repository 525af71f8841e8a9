import { DateTime, Effect } from "effect"
import * as Decimal from "../../src/domain/money/Decimal.ts"
import { RateIngest } from "../../src/rates/RateIngest.ts"
import { rate, TestProvider } from "./TestProvider.ts"
import { pairOf } from "./RateTicks.ts"

/** Gives a pair such as `USD:NGN` a new rate, and returns it as every answer has it. */
export const change = Effect.fnUntraced(function* (pair: string, value: string) {
  const provider = yield* TestProvider
  const intake = yield* RateIngest
  const [from = "", to = ""] = pair.split(":")
  yield* provider.answer(rate(value))
  const taken = yield* intake.take(pairOf(from, to))
  return {
    from,
    to,
    rate: Decimal.format(taken.rate),
    rate_id: taken.id,
    provider: "test",
    fetched_at: DateTime.formatIso(taken.observedAt),
    stale: false
  }
})
