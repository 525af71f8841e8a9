import { Duration } from "effect"
import type { RateLimitExceeded } from "../../domain/access/RateLimit.ts"
import type { AssetPair } from "../../domain/money/AssetPair.ts"
import { RateUnavailable } from "../../domain/rates/Rate.ts"
import type { RefreshError } from "./RateRefresh.ts"

const ON_DEMAND_LIMITED = "this node has used up its provider calls for pairs that are not polled"

/** `Retry-After` of a pair that no provider quotes. */
const REFUSAL_RETRY = Duration.hours(1)

/** Creates the error of a pair without a rate, with a reason for the caller. `denied`: the caller may not refresh the rate. */
export const unavailable = (
  pair: AssetPair,
  failure: RefreshError | undefined,
  denied: RateLimitExceeded | undefined
) => {
  if (failure?._tag === "ProviderError") {
    const { reason, refusal, untraded } = failure
    if (untraded !== undefined) return new RateUnavailable({ pair, reason: untraded })
    if (refusal !== undefined)
      return new RateUnavailable({ pair, reason: refusal, retryAfter: REFUSAL_RETRY })
    if (reason._tag === "OnDemandLimited" && denied === undefined)
      return new RateUnavailable({ pair, reason: ON_DEMAND_LIMITED, retryAfter: reason.retryAfter })
  }
  return denied === undefined
    ? new RateUnavailable({ pair })
    : new RateUnavailable({ pair, reason: denied.message, retryAfter: denied.retryAfter })
}

/** Returns the reason if the asset is not traded any more. */
export const untradedReason = (failure: RefreshError | undefined) =>
  failure?._tag === "ProviderError" ? failure.untraded : undefined
