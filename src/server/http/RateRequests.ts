import { Context, Duration, Effect, Layer, Option } from "effect"
import { AssetCatalog } from "../../assets/AssetCatalog.ts"
import type * as Problem from "../../api/Problem.ts"
import { RateLimits } from "../../access/RateLimits.ts"
import { Settings } from "../../config/Settings.ts"
import type { AssetCode } from "../../domain/money/Asset.ts"
import { type FoundRate, type LookupOptions, Rates } from "../../rates/lookup/Rates.ts"
import { LookupCaller } from "../middleware/access/LookupCaller.ts"
import * as Problems from "../middleware/Problems.ts"

type LookupProblem =
  | Problem.RateTooOld
  | Problem.RateUnavailable
  | Problem.StoreUnavailable
  | Problem.UnsupportedCurrency
  | Problem.UnsupportedPair

/** Validates and runs the rate requests of HTTP, WebSocket and RPC. Errors are problems. */
export class RateRequests extends Context.Service<
  RateRequests,
  {
    /**
     * Returns the latest rate of a pair. With `maxAge`, refreshes an older rate or fails with `RateTooOld`. Refreshes count
     * against the limits of the `LookupCaller`; without an API key, `maxAge` is at least `MAX_AGE_FLOOR`.
     */
    readonly lookup: (
      from: string,
      to: string,
      maxAge?: Duration.Duration
    ) => Effect.Effect<FoundRate, LookupProblem>
    /** Options of a lookup of the `LookupCaller`. */
    readonly optionsOf: (maxAge: Duration.Duration | undefined) => Effect.Effect<LookupOptions>
    /** Returns the latest rates of a source currency, or of all if `base` is undefined. */
    readonly list: (
      base: string | undefined
    ) => Effect.Effect<
      { readonly base: AssetCode | null; readonly rates: ReadonlyArray<FoundRate> },
      Problem.StoreUnavailable | Problem.UnsupportedCurrency
    >
  }
>()("effex/server/http/RateRequests") {
  static readonly layer = Layer.effect(
    RateRequests,
    Effect.gen(function* () {
      const { maxAgeFloor } = yield* Settings
      const { pairs } = yield* AssetCatalog
      const { consume } = yield* RateLimits
      const rates = yield* Rates

      const optionsOf: RateRequests["Service"]["optionsOf"] = (maxAge) =>
        Effect.map(LookupCaller, ({ identity, isAnonymous }): LookupOptions => ({
          ...(maxAge === undefined
            ? {}
            : { maxAge: isAnonymous ? Duration.max(maxAge, maxAgeFloor) : maxAge }),
          // The caller is counted first, so that one that has used up its refreshes does not use up those of all.
          permit: Effect.andThen(
            consume("refreshes", identity),
            consume("all-refreshes", isAnonymous ? "anonymous" : "keys")
          )
        }))

      const lookup: RateRequests["Service"]["lookup"] = Effect.fnUntraced(function* (from, to, maxAge) {
        const pair = yield* Effect.fromResult(pairs.find(from, to)).pipe(
          Effect.catchTags(Problems.pairErrors)
        )
        return yield* rates
          .lookup(pair, yield* optionsOf(maxAge))
          .pipe(Effect.catchTags(Problems.lookupErrors))
      })

      const list: RateRequests["Service"]["list"] = Effect.fnUntraced(function* (code) {
        const base =
          code === undefined
            ? Option.none()
            : Option.some(
                yield* Effect.fromResult(pairs.findSource(code)).pipe(
                  Effect.catchTags(Problems.currencyErrors)
                )
              )
        const found = yield* rates.list(base).pipe(Effect.catchTags(Problems.storeErrors))
        return { base: Option.getOrNull(base), rates: found }
      })

      return RateRequests.of({ lookup, list, optionsOf })
    })
  )
}
