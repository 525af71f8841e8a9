import { BigDecimal, DateTime, Option, Result } from "effect"
import type { AssetPair } from "../../domain/money/AssetPair.ts"
import * as Decimal from "../../domain/money/Decimal.ts"
import { isSandboxRate, type RateLeg, type RateRecord, type RateTick } from "../../domain/rates/Rate.ts"
import { Contradictory } from "../../providers/ProviderError.ts"

/** Currencies through which a pair is derived, in this order. */
export const PIVOTS = ["USD", "EUR"]

const ONE = BigDecimal.make(1n, 0)

/**
 * Derives the rate of a pair from two stored rates: KES:GHS = KES:USD × USD:GHS. It was observed and quoted when the older
 * of the two was. Its raw response has the complete responses of both.
 */
export const derive = (
  pair: AssetPair,
  first: RateRecord,
  second: RateRecord
): Result.Result<RateTick, Contradictory> => {
  const [a, b] = [first.rate, second.rate]
  // The quotient by one rounds the product to the digits of all derived rates.
  const rate = Decimal.quotient(BigDecimal.multiply(a.rate, b.rate), ONE)
  if (Option.isNone(Decimal.parse(Decimal.format(rate))))
    return Result.fail(new Contradictory({ detail: "the legs differ too much to derive a rate" }))
  if (isSandboxRate(a) !== isSandboxRate(b))
    return Result.fail(new Contradictory({ detail: "only one of the legs is a generated rate" }))
  const hasQuoteTime = a.quotedAt !== undefined || b.quotedAt !== undefined
  return Result.succeed({
    pair,
    rate,
    sourceAmount: ONE,
    destinationAmount: rate,
    provider: a.provider === b.provider ? a.provider : `${a.provider}+${b.provider}`,
    providerRate: `${first.providerRate}*${second.providerRate}`,
    raw: `{"legs":[${rawOf(first)},${rawOf(second)}]}`,
    observedAt: DateTime.min(a.observedAt, b.observedAt),
    quotedAt: hasQuoteTime ? DateTime.min(a.quotedAt ?? a.observedAt, b.quotedAt ?? b.observedAt) : undefined,
    legs: [legOf(first), legOf(second)]
  })
}

/** JSON text with the response as the provider sent it. */
const rawOf = ({ rate: { id, pair }, raw }: RateRecord) =>
  `{"pair":${JSON.stringify(pair.key)},"rate_id":${JSON.stringify(id)},"raw":${raw}}`

const legOf = ({ providerRate, rate: { id, pair, rate } }: RateRecord): RateLeg => ({
  id,
  pair,
  rate,
  providerRate
})
