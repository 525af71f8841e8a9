import { DateTime, Effect } from "effect"
import * as Decimal from "../../src/domain/money/Decimal.ts"
import { RateIngest } from "../../src/rates/RateIngest.ts"
import { rate, TestProvider } from "./TestProvider.ts"
import { pairOf } from "./RateTicks.ts"

/** Stores and publishes a new rate of a pair such as `USD:NGN`. Returns its JSON fields in responses. */
export const change = Effect.fnUntraced(function* (pair: string, value: string) {
  const provider = yield* TestProvider
  const ingest = yield* RateIngest
  const [from = "", to = ""] = pair.split(":")
  yield* provider.respondWith(rate(value))
  const stored = yield* ingest.fetch(pairOf(from, to))
  return {
    from,
    to,
    rate: Decimal.format(stored.rate),
    rate_id: stored.id,
    provider: "test",
    fetched_at: DateTime.formatIso(stored.observedAt),
    stale: false
  }
})

/** Lets the provider answer with a rate for every pair, without fetching one. */
export const answer = (value: string) =>
  Effect.flatMap(TestProvider, (provider) => provider.respondWith(rate(value)))
