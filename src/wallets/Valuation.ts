import { Array, BigDecimal, Clock, Context, DateTime, Effect, Layer, Option } from "effect"
import { AssetCatalog } from "../assets/AssetCatalog.ts"
import { Settings } from "../config/Settings.ts"
import type { AssetCode } from "../domain/money/Asset.ts"
import type { AssetPair } from "../domain/money/AssetPair.ts"
import * as Currency from "../domain/money/Currency.ts"
import * as PricePath from "../domain/money/PricePath.ts"
import { type FoundRate, Rates } from "../rates/lookup/Rates.ts"

/** Balance of one asset. */
export interface Holding {
  readonly asset: AssetCode
  readonly balance: BigDecimal.BigDecimal
}

/** Value of holdings at the latest rates. */
export interface TotalValue {
  /** The home currency. */
  readonly currency: Currency.Currency
  /** Sum of the assets that have a price, rounded down to the minor unit. */
  readonly value: BigDecimal.BigDecimal
  /** Time of the oldest rate that was used; the time of the valuation if none was. */
  readonly asOf: DateTime.Utc
  /** Each rate that was used, once. */
  readonly rates: ReadonlyArray<FoundRate>
  /** Assets without a price, which the value does not contain. */
  readonly unpriced: ReadonlyArray<AssetCode>
}

/** Values holdings in the home currency. */
export class Valuation extends Context.Service<
  Valuation,
  {
    readonly homeCurrency: Currency.Currency
    /**
     * Values holdings at the latest rates, stale ones included. Rates in memory take no wait; others take at most
     * `LOOKUP_BUDGET` together. An asset that the home currency has no pair with is valued through the currency of prices.
     */
    readonly value: (holdings: ReadonlyArray<Holding>) => Effect.Effect<TotalValue>
  }
>()("effex/wallets/Valuation") {
  static readonly layer = Layer.effect(
    Valuation,
    Effect.gen(function* () {
      const { homeCurrency: code, lookupBudget } = yield* Settings
      const { pairs } = yield* AssetCatalog
      const rates = yield* Rates
      const homeCurrency = Currency.get(code)

      const lookup = (pair: AssetPair) =>
        rates.lookup(pair).pipe(
          Effect.timeoutOption(lookupBudget),
          Effect.orElseSucceed(() => Option.none<FoundRate>())
        )

      /** Finds rates by the keys of their pairs: in memory, and the others concurrently. */
      const findRates = Effect.fnUntraced(function* (needed: ReadonlyArray<AssetPair>, now: number) {
        const found = new Map<string, FoundRate>()
        const missing = new Map<string, AssetPair>()
        for (const pair of needed) {
          if (found.has(pair.key)) continue
          const rate = rates.peek(pair, now)
          if (rate === undefined) missing.set(pair.key, pair)
          else {
            rates.countLookup(rate)
            found.set(pair.key, rate)
          }
        }
        if (missing.size > 0)
          yield* Effect.forEach(
            missing.values(),
            (pair) =>
              Effect.map(lookup(pair), (rate) => {
                if (Option.isSome(rate)) found.set(pair.key, rate.value)
              }),
            { concurrency: "unbounded", discard: true }
          )
        return found
      })

      const value = Effect.fnUntraced(function* (holdings: ReadonlyArray<Holding>) {
        const now = yield* Clock.currentTimeMillis
        const held = holdings
          .filter(({ balance }) => !BigDecimal.isZero(balance))
          .map(({ asset, balance }) => ({ asset, balance, path: PricePath.of(pairs, asset, code) }))
        const found = yield* findRates(
          held.flatMap(({ path }) => Option.getOrElse(path, () => [])),
          now
        )
        const used = new Map<string, FoundRate>()
        const unpriced: Array<AssetCode> = []
        let sum = BigDecimal.make(0n, 0)
        for (const { asset, balance, path } of held) {
          const steps = Option.flatMap(path, (pairs) =>
            Option.all(pairs.map(({ key }) => Option.fromUndefinedOr(found.get(key))))
          )
          if (Option.isNone(steps)) {
            unpriced.push(asset)
            continue
          }
          let worth = balance
          for (const step of steps.value) {
            worth = BigDecimal.multiply(worth, step.rate.rate)
            used.set(step.rate.pair.key, step)
          }
          sum = BigDecimal.sum(sum, worth)
        }
        const latest = Array.fromIterable(used.values())
        return {
          currency: homeCurrency,
          value: BigDecimal.round(sum, { scale: homeCurrency.minorUnit, mode: "floor" }),
          asOf: DateTime.makeUnsafe(
            latest.length === 0
              ? now
              : Math.min(...latest.map(({ rate }) => DateTime.toEpochMillis(rate.observedAt)))
          ),
          rates: latest,
          unpriced
        }
      })

      return Valuation.of({ homeCurrency, value })
    })
  )
}
