import { BigDecimal, Option, Result, Schema } from "effect"
import type { AssetPair } from "../../domain/money/AssetPair.ts"
import * as Decimal from "../../domain/money/Decimal.ts"
import { Contradictory, excerpt } from "../ProviderError.ts"

/** Request for a quotation. */
export interface QuotationRequest {
  readonly pair: AssetPair
  /** In the destination currency. */
  readonly amount: BigDecimal.BigDecimal
}

/** Numbers are decoded as text, since a double would lose digits. */
const Numeral = Schema.String
const Side = Schema.Struct({ currency: Schema.String, amount: Numeral })

/** Fields that v3 and v4 share. */
export const QuotationFields = Schema.Struct({ rate: Numeral, source: Side, destination: Side })

/** Flutterwave's validated quotation of a pair. */
export interface Quotation {
  /** `destinationAmount / sourceAmount`. */
  readonly rate: BigDecimal.BigDecimal
  readonly sourceAmount: BigDecimal.BigDecimal
  readonly destinationAmount: BigDecimal.BigDecimal
  /** The `rate` field as written in the response. */
  readonly providerRate: string
  /**
   * Meaning of the `rate` field: destination units per source unit (`direct`), or source units per destination unit
   * (`inverse`). v3 was inverse until April 2026, and v4 is inverse according to its documentation.
   */
  readonly convention: "direct" | "inverse"
}

/** Maximum relative deviation of the rounded `rate` field from the amounts. Observed: 0.001391 for 0.00139073. */
const TOLERANCE = BigDecimal.make(1n, 3)

/** Half of the sixth decimal. Rates rounded to six decimals deviate more. Observed: 0.00021 for 0.00020967. */
const HALF_SIXTH_DECIMAL = BigDecimal.make(5n, 7)

/** Maximum relative deviation of a rate rounded to six decimals. */
const ROUNDED_TOLERANCE = BigDecimal.make(1n, 2)

/**
 * Validates a response against its request and computes the rate from the amounts. The `rate` field is only checked
 * against the amounts, in both of its conventions.
 */
export const check = (
  { destination, rate, source }: typeof QuotationFields.Type,
  request: QuotationRequest
): Result.Result<Quotation, Contradictory> => {
  const { pair } = request
  if (source.currency !== pair.from || destination.currency !== pair.to) {
    const received = `${excerpt(source.currency)}:${excerpt(destination.currency)}`
    return Result.fail(new Contradictory({ detail: `requested ${pair.key}, received ${received}` }))
  }
  const sourceAmount = positive(source.amount)
  const destinationAmount = positive(destination.amount)
  const statedRate = positive(rate)
  if (Option.isNone(sourceAmount) || Option.isNone(destinationAmount) || Option.isNone(statedRate)) {
    const numbers = [source.amount, destination.amount, rate].map(excerpt).join(", ")
    return Result.fail(
      new Contradictory({ detail: `amounts and rate must be positive decimals, found ${numbers}` })
    )
  }
  if (!BigDecimal.equals(destinationAmount.value, request.amount)) {
    return Result.fail(
      new Contradictory({
        detail: `requested ${Decimal.format(request.amount)}, received ${Decimal.format(destinationAmount.value)}`
      })
    )
  }
  const quotation = {
    rate: Decimal.quotient(destinationAmount.value, sourceAmount.value),
    sourceAmount: sourceAmount.value,
    destinationAmount: destinationAmount.value,
    providerRate: rate
  }
  if (Option.isNone(Decimal.parse(Decimal.format(quotation.rate)))) {
    return Result.fail(new Contradictory({ detail: "the amounts differ too much to derive a rate" }))
  }
  if (isRatio(statedRate.value, destinationAmount.value, sourceAmount.value)) {
    return Result.succeed({ ...quotation, convention: "direct" })
  }
  if (isRatio(statedRate.value, sourceAmount.value, destinationAmount.value)) {
    return Result.succeed({ ...quotation, convention: "inverse" })
  }
  const detail = `rate ${excerpt(rate)} matches neither its amounts (${Decimal.format(quotation.rate)}) nor their inverse`
  return Result.fail(new Contradictory({ detail }))
}

const positive = (text: string) => Option.filter(Decimal.parseJsonNumber(text), BigDecimal.isPositive)

/** Returns true if `rate` is `a / b` within the tolerances: |rate × b − a| ≤ tolerance × a. */
const isRatio = (rate: BigDecimal.BigDecimal, a: BigDecimal.BigDecimal, b: BigDecimal.BigDecimal) => {
  const error = BigDecimal.abs(BigDecimal.subtract(BigDecimal.multiply(rate, b), a))
  const isWithin = (tolerance: BigDecimal.BigDecimal, value: BigDecimal.BigDecimal) =>
    BigDecimal.isLessThanOrEqualTo(error, BigDecimal.multiply(tolerance, value))
  return isWithin(TOLERANCE, a) || (isWithin(HALF_SIXTH_DECIMAL, b) && isWithin(ROUNDED_TOLERANCE, a))
}
