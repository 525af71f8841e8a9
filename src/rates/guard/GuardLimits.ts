import { BigDecimal, Duration, Effect } from "effect"
import { Settings } from "../../config/Settings.ts"
import type { AssetKind } from "../../domain/money/Asset.ts"
import type { AssetPair } from "../../domain/money/AssetPair.ts"
import { PriceSymbols } from "../../providers/PriceSymbols.ts"

/** Limits of the guard for one kind of pair. */
export interface GuardLimits {
  /** Kind of the priced asset; `currency` for an exchange rate. */
  readonly kind: AssetKind
  /** Maximum change from the last good rate, as a fraction. */
  readonly maxJump: BigDecimal.BigDecimal
  /** A level is settled if its quotes differ by at most this fraction. A drift is not settled. */
  readonly settledDeviation: BigDecimal.BigDecimal
  /** New quotes confirm a level only if they span this time. */
  readonly minAgreementTime: Duration.Duration
}

/** Part of the maximum deviation, or of the maximum change of a price, within which a level is settled. */
const SETTLED_PART = BigDecimal.make(2n, 1)
const MIN_AGREEMENT_TIME = Duration.days(1)
/** Cryptocurrencies are traded all day by many, so that an hour of equal quotes is as good as a day of exchange rates. */
const MIN_CRYPTO_AGREEMENT_TIME = Duration.hours(1)

/** Makes the function that returns the limits of a pair. A price has the limits of its asset. */
export const make: Effect.Effect<(pair: AssetPair) => GuardLimits, never, Settings> = Effect.gen(
  function* () {
    const { guardMaxDeviation, guardMaxJump, guardMaxJumpCrypto, guardMaxJumpStock } = yield* Settings
    const { kindOf } = yield* PriceSymbols

    const currency: GuardLimits = {
      kind: "currency",
      maxJump: guardMaxJump,
      settledDeviation: BigDecimal.multiply(guardMaxDeviation, SETTLED_PART),
      minAgreementTime: MIN_AGREEMENT_TIME
    }
    const crypto: GuardLimits = {
      kind: "crypto",
      maxJump: guardMaxJumpCrypto,
      settledDeviation: BigDecimal.multiply(guardMaxJumpCrypto, SETTLED_PART),
      minAgreementTime: MIN_CRYPTO_AGREEMENT_TIME
    }
    const stock: GuardLimits = {
      kind: "stock",
      maxJump: guardMaxJumpStock,
      settledDeviation: BigDecimal.multiply(guardMaxJumpStock, SETTLED_PART),
      minAgreementTime: MIN_AGREEMENT_TIME
    }

    return ({ from, to }) => {
      const kinds = new Set([kindOf(from), kindOf(to)])
      if (kinds.has("stock")) return stock
      return kinds.has("crypto") ? crypto : currency
    }
  }
)
