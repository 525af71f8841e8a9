import { DateTime, Duration, Effect, Option, Result } from "effect"
import type { AssetPair } from "../../domain/money/AssetPair.ts"
import type { SupportedPairs } from "../../domain/money/SupportedPairs.ts"
import type { Freshness } from "../../domain/rates/Freshness.ts"
import type { Rate, RateRecord, RateTick } from "../../domain/rates/Rate.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"
import { NotQuoted, ProviderError } from "../../providers/ProviderError.ts"
import type { RateRepo } from "../RateRepo.ts"
import * as LegDerivation from "./LegDerivation.ts"
import type { RateCache } from "./RateCache.ts"

type LegError = ProviderError | StoreUnavailable

interface Dependencies {
  readonly pairs: SupportedPairs
  readonly cache: RateCache["Service"]
  readonly repo: RateRepo["Service"]
  readonly freshness: Freshness
}

export interface LegRequest {
  /** A stored leg up to this age is used. Otherwise the leg is fetched, as a pair of its own. */
  readonly maxAge: Duration.Duration
  /** Fetches and stores the rate of a pair as a provider quotes it. */
  readonly fetch: (leg: AssetPair) => Effect.Effect<Rate, LegError>
}

/** Makes a function that derives the rate of a pair from two legs, through the first currency that has both. */
export const make = ({ cache, freshness, pairs, repo }: Dependencies) => {
  /** Returns the record of a leg. Fails with `NotQuoted` if its rate was itself computed from others. */
  const quoted = Effect.fnUntraced(function* ({ id, pair, provider }: Rate) {
    const record = Option.filter(yield* repo.byId(id), ({ derivedFrom }) => derivedFrom.length === 0)
    if (Option.isSome(record)) return record.value
    return yield* new ProviderError({
      provider,
      pair,
      reason: new NotQuoted({ detail: "only a rate that was computed from others" })
    })
  })

  const stored = Effect.fnUntraced(function* (leg: AssetPair, maxAge: Duration.Duration) {
    const now = DateTime.toEpochMillis(yield* DateTime.now)
    const isUsable = (rate: Rate) => freshness.isFresh(rate, Duration.toMillis(maxAge), now)
    const cached = Option.filter(cache.peek(leg), isUsable)
    const rate = Option.isSome(cached) ? cached : Option.filter(yield* repo.latest(leg), isUsable)
    if (Option.isNone(rate)) return Option.none<RateRecord>()
    return yield* Effect.catchTag(
      Effect.asSome(quoted(rate.value)),
      "ProviderError",
      () => Effect.succeedNone
    )
  })

  const findLeg = Effect.fnUntraced(function* (leg: AssetPair, { fetch, maxAge }: LegRequest) {
    const usable = yield* stored(leg, maxAge)
    return Option.isSome(usable) ? usable.value : yield* quoted(yield* fetch(leg))
  })

  /** Pairs into a pivot and out of it, if the service supports both. */
  const routes = (pair: AssetPair) =>
    LegDerivation.PIVOTS.flatMap((pivot) => {
      if (pivot === pair.from || pivot === pair.to) return []
      const legs = Result.all([pairs.find(pair.from, pivot), pairs.find(pivot, pair.to)])
      return Result.isSuccess(legs) ? [{ pivot, legs: legs.success }] : []
    })

  /** `unquoted` is the error of the providers for the pair itself. */
  return Effect.fn("DerivedRates.derive")(function* (
    pair: AssetPair,
    unquoted: ProviderError,
    request: LegRequest
  ): Effect.fn.Return<RateTick, LegError> {
    yield* Effect.annotateCurrentSpan({ pair: pair.key })
    const { others, provider } = unquoted
    const pivots: Array<string> = []
    let quarantined: ProviderError | undefined
    for (const { legs, pivot } of routes(pair)) {
      const [into, from] = legs
      const records = yield* Effect.result(Effect.all([findLeg(into, request), findLeg(from, request)]))
      if (Result.isSuccess(records)) {
        return yield* Effect.mapError(
          Effect.fromResult(LegDerivation.derive(pair, ...records.success)),
          (reason) => new ProviderError({ provider, pair, reason })
        )
      }
      const error = records.failure
      if (error._tag === "StoreUnavailable") return yield* error
      // Another route may work, but not while the provider fails.
      if (error.isQuarantined) quarantined = error
      else if (!error.isNotQuoted) return yield* error
      pivots.push(pivot)
    }
    if (quarantined !== undefined) return yield* quarantined
    const { reason } = unquoted
    return yield* new ProviderError({
      provider,
      pair,
      reason: reason._tag === "NotQuoted" ? new NotQuoted({ detail: reason.detail, pivots }) : reason,
      ...(others === undefined ? {} : { others })
    })
  })
}
