import { BigDecimal, DateTime, Effect } from "effect"
import { AssetCode } from "../../src/domain/money/Asset.ts"
import { AssetPair } from "../../src/domain/money/AssetPair.ts"
import * as Decimal from "../../src/domain/money/Decimal.ts"
import type { Rate, RateTick } from "../../src/domain/rates/Rate.ts"

export const pairOf = (from: string, to: string) =>
  new AssetPair({ from: AssetCode.make(from), to: AssetCode.make(to) })

/** Creates a provider's tick of a pair, observed now or at the given time. */
export const tick = Effect.fnUntraced(function* (
  from: string,
  to: string,
  rate: string,
  observedAt?: string
) {
  const exact = BigDecimal.fromStringUnsafe(rate)
  const destinationAmount = BigDecimal.make(1_000_000n, 0)
  const created: RateTick = {
    pair: pairOf(from, to),
    rate: exact,
    sourceAmount: Decimal.quotient(destinationAmount, exact),
    destinationAmount,
    provider: "test",
    providerRate: rate,
    raw: JSON.stringify({ status: "success", rate }),
    observedAt: observedAt === undefined ? yield* DateTime.now : DateTime.makeUnsafe(observedAt)
  }
  return created
})

/** Converts a rate to plain values for comparison. */
export const plain = (rate: Rate) => ({
  id: rate.id,
  pair: rate.pair.key,
  rate: Decimal.format(rate.rate),
  provider: rate.provider,
  observedAt: DateTime.formatIso(rate.observedAt)
})
