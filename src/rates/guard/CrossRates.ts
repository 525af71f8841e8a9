import { type BigDecimal, Context, DateTime, Duration, Effect, Layer, Option } from "effect"
import { AssetCatalog } from "../../assets/AssetCatalog.ts"
import { Settings } from "../../config/Settings.ts"
import * as AnomalyTriangles from "../../domain/rates/AnomalyTriangles.ts"
import { isSandboxRate, type Rate, type RateTick } from "../../domain/rates/Rate.ts"
import type { RateAnomaly } from "../../domain/rates/RateAnomaly.ts"
import { Broadcaster } from "../feed/Broadcaster.ts"

/** Cross rates are computed from rates up to this age. */
const MAX_CROSS_RATE_AGE = Duration.hours(1)
/** The first rate of a pair is also compared with older rates, because the newest ones may be quarantined. */
const MAX_FIRST_CROSS_RATE_AGE = Duration.days(7)

/** Compares a tick with the rates that other pairs imply. */
export class CrossRates extends Context.Service<
  CrossRates,
  {
    /** Remembers the latest tick of a pair, credible or not. The other pairs of its provider are compared with it. */
    readonly observe: (tick: RateTick) => void
    /**
     * Returns a mismatch if the tick contradicts both the latest ticks of its provider and the good rates of other pairs.
     * If only the latest ticks agree, a currency has moved; if only the good rates agree, another tick is wrong. The first
     * rate of a pair must agree with the good rates.
     */
    readonly mismatch: (
      tick: RateTick,
      anchor: Option.Option<BigDecimal.BigDecimal>
    ) => ReadonlyArray<RateAnomaly>
    /** Rate that the good rates of other pairs imply. */
    readonly implied: (tick: RateTick) => Option.Option<BigDecimal.BigDecimal>
  }
>()("effex/rates/guard/CrossRates") {
  static readonly layer = Layer.effect(
    CrossRates,
    Effect.gen(function* () {
      const { guardMaxDeviation } = yield* Settings
      const { pairs } = yield* AssetCatalog
      const broadcaster = yield* Broadcaster
      const ticks = new Map<string, Map<string, RateTick>>()

      const isComparable =
        (tick: RateTick, maxAge = MAX_CROSS_RATE_AGE) =>
        (rate: Pick<Rate, "pair" | "provider" | "observedAt">) =>
          isSandboxRate(rate) === isSandboxRate(tick) &&
          // A poll does not refresh the other pairs, whose rates would then contradict a currency that has moved.
          (pairs.isPolled(rate.pair) || !pairs.isPolled(tick.pair)) &&
          Duration.isLessThanOrEqualTo(DateTime.distance(rate.observedAt, tick.observedAt), maxAge)

      const goodRates = (tick: RateTick, maxAge = MAX_CROSS_RATE_AGE) =>
        broadcaster.snapshot().rates.filter(isComparable(tick, maxAge))

      const impliedByGoodRates = (tick: RateTick, maxAge = MAX_CROSS_RATE_AGE) =>
        AnomalyTriangles.impliedRate(tick.pair, goodRates(tick, maxAge))

      const impliedByTicks = (tick: RateTick) => {
        const latest = new Map<string, Pick<Rate, "pair" | "rate">>(
          goodRates(tick).map((rate) => [rate.pair.key, rate])
        )
        for (const other of ticks.get(tick.provider)?.values() ?? []) {
          if (isComparable(tick)(other)) latest.set(other.pair.key, other)
        }
        return AnomalyTriangles.impliedRate(tick.pair, Array.from(latest.values()))
      }

      const observe: CrossRates["Service"]["observe"] = (tick) => {
        const ofProvider = ticks.get(tick.provider) ?? new Map<string, RateTick>()
        ticks.set(tick.provider, ofProvider.set(tick.pair.key, tick))
      }

      const mismatch: CrossRates["Service"]["mismatch"] = (tick, anchor) => {
        const hasDiverged = ({ rate }: { readonly rate: BigDecimal.BigDecimal }) =>
          AnomalyTriangles.hasDiverged(tick.rate, anchor, rate, guardMaxDeviation)
        // The latest ticks may all be wrong. A first rate has no level from which its currency could have moved.
        const isFirst = Option.isNone(anchor)
        const byGoodRates = impliedByGoodRates(tick, isFirst ? MAX_FIRST_CROSS_RATE_AGE : MAX_CROSS_RATE_AGE)
        const byTicks = isFirst && Option.isSome(byGoodRates) ? Option.none() : impliedByTicks(tick)
        if (Option.exists(byTicks, (implied) => !hasDiverged(implied))) return []
        if (Option.exists(byGoodRates, (implied) => !hasDiverged(implied))) return []
        return Option.toArray(Option.orElse(byTicks, () => byGoodRates)).map(
          ({ rate, routes }): RateAnomaly => ({
            reason: "triangle",
            against: rate,
            allowed: guardMaxDeviation,
            routes
          })
        )
      }

      return CrossRates.of({
        observe,
        mismatch,
        implied: (tick) => Option.map(impliedByGoodRates(tick), ({ rate }) => rate)
      })
    })
  )
}
