import { type BigDecimal, Context, DateTime, Duration, Effect, Layer, Option } from "effect"
import { Settings } from "../../config/Settings.ts"
import { isWithin } from "../../domain/rates/AnomalyChecks.ts"
import * as AnomalyTriangles from "../../domain/rates/AnomalyTriangles.ts"
import type { RateTick } from "../../domain/rates/Rate.ts"
import type { RateAnomaly } from "../../domain/rates/RateAnomaly.ts"
import { RateProvider } from "../../providers/RateProvider.ts"

/** A reference rate of another provider confirms or contradicts a tick up to this age of the response. */
const MAX_REFERENCE_AGE = Duration.minutes(1)
/** A quote that is older says nothing about the present level. */
const MAX_REFERENCE_QUOTE_AGE = Duration.days(1)

interface Comparison {
  readonly isConfirmed: boolean
  /** The other provider responds with a different rate. It is a mismatch only if the tick has left its level. */
  readonly isContradicted: boolean
  readonly mismatches: ReadonlyArray<RateAnomaly>
}

const UNKNOWN: Comparison = { isConfirmed: false, isContradicted: false, mismatches: [] }

/** Compares a tick with the rate of another provider. */
export class SecondProvider extends Context.Service<
  SecondProvider,
  {
    /**
     * Compares an unsuspicious tick with a cached reference first, and with a current one only if they differ; a
     * suspicious tick only with a current one.
     */
    readonly compare: (
      tick: RateTick,
      anchor: Option.Option<BigDecimal.BigDecimal>,
      isSuspicious: boolean
    ) => Effect.Effect<Comparison>
  }
>()("effex/rates/guard/SecondProvider") {
  static readonly layer = Layer.effect(
    SecondProvider,
    Effect.gen(function* () {
      const { guardCrossCheck, guardMaxDeviation } = yield* Settings
      const provider = yield* RateProvider

      const referenceRate = Effect.fnUntraced(function* (tick: RateTick, maxAge: Duration.Duration) {
        const reference = yield* provider.reference(tick.pair, tick.provider, maxAge)
        const now = yield* DateTime.now
        return Option.filter(reference, ({ quotedAt }) => {
          if (quotedAt === undefined) return true
          return Duration.isLessThanOrEqualTo(DateTime.distance(quotedAt, now), MAX_REFERENCE_QUOTE_AGE)
        })
      })

      const compare: SecondProvider["Service"]["compare"] = Effect.fnUntraced(
        function* (tick, anchor, isSuspicious) {
          const hasDiverged = (other: RateTick) =>
            AnomalyTriangles.hasDiverged(tick.rate, anchor, other.rate, guardMaxDeviation)
          if (!isSuspicious) {
            if (Option.isNone(guardCrossCheck)) return UNKNOWN
            const cached = yield* referenceRate(tick, guardCrossCheck.value)
            if (!Option.exists(cached, hasDiverged)) return UNKNOWN
          }
          const current = Option.getOrUndefined(yield* referenceRate(tick, MAX_REFERENCE_AGE))
          if (current === undefined) return UNKNOWN
          const mismatch: RateAnomaly = {
            reason: "disagrees",
            against: current.rate,
            allowed: guardMaxDeviation,
            provider: current.provider
          }
          const isConfirmed = isWithin(tick.rate, current.rate, guardMaxDeviation)
          return {
            isConfirmed,
            isContradicted: !isConfirmed,
            mismatches: hasDiverged(current) ? [mismatch] : []
          }
        }
      )

      return SecondProvider.of({ compare })
    })
  )
}
