import { Context, Duration, Effect, Layer, Option } from "effect"
import { Settings } from "../../config/Settings.ts"
import type { RateLimit } from "../../domain/access/RateLimit.ts"
import * as MonotonicClock from "../../platform/MonotonicClock.ts"
import { OnDemandLimited } from "../../providers/ProviderError.ts"

/** Limits the provider calls of this node for pairs that are not polled, however many callers ask for them. */
export class OnDemandBudget extends Context.Service<
  OnDemandBudget,
  {
    /** Counts one provider call. Fails if `ON_DEMAND_LIMIT` is used up. */
    readonly permit: Effect.Effect<void, OnDemandLimited>
  }
>()("effex/rates/lookup/OnDemandBudget") {
  static readonly layer = Layer.effect(
    OnDemandBudget,
    Effect.map(Settings, ({ onDemandQuota }) =>
      OnDemandBudget.of({
        permit: Option.match(onDemandQuota, { onNone: () => Effect.void, onSome: tokenBucket })
      })
    )
  )
}

/** A token bucket that is full at the start. Measures by the monotonic clock. */
const tokenBucket = ({ limit, window }: RateLimit): Effect.Effect<void, OnDemandLimited> => {
  const millisPerToken = Duration.toMillis(window) / limit
  let tokens = limit
  let refilledAt: number | undefined
  return Effect.flatMap(MonotonicClock.millis, (now) => {
    tokens = Math.min(limit, tokens + (now - (refilledAt ?? now)) / millisPerToken)
    refilledAt = now
    if (tokens < 1) {
      const seconds = Math.ceil(((1 - tokens) * millisPerToken) / 1000)
      return new OnDemandLimited({ retryAfter: Duration.seconds(seconds) })
    }
    tokens--
    return Effect.void
  })
}
