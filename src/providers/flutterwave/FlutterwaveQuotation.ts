import { BigDecimal, Option, Result, Schema } from "effect"
import type { CurrencyPair } from "../../domain/money/CurrencyPair.ts"
import * as Decimal from "../../domain/money/Decimal.ts"
import { Contradictory, excerpt } from "../ProviderError.ts"

/** What Flutterwave is asked. */
export interface Asked {
  readonly pair: CurrencyPair
  /** In the destination currency. */
  readonly amount: BigDecimal.BigDecimal
}

/** Numbers come as text, exactly as they were written: a double would lose digits. */
const Numeral = Schema.String
const Side = Schema.Struct({ currency: Schema.String, amount: Numeral })

/** What is alike in the answers of v3 and v4. */
export const Stated = Schema.Struct({ rate: Numeral, source: Side, destination: Side })

/** What Flutterwave says of a pair, checked. */
export interface Quotation {
  /** `destinationAmount / sourceAmount`. */
  readonly rate: BigDecimal.BigDecimal
  readonly sourceAmount: BigDecimal.BigDecimal
  readonly destinationAmount: BigDecimal.BigDecimal
  /** The `rate` field, as it was written. */
  readonly providerRate: string
  /**
   * Which way round the `rate` field stood: destination units per source unit (`direct`), or source units per
   * destination unit (`inverse`), as v3 had it until April 2026 and v4's documentation has it.
   */
  readonly convention: "direct" | "inverse"
}

/** How far the `rate` field, which is rounded, may lie from the amounts: 0.001391 was seen for 0.00139073. */
const TOLERANCE = BigDecimal.make(1n, 3)

/** Half of the sixth decimal, to which it was seen rounded: for 0.00020967 that leaves 0.00021, 1.6 thousandths off. */
const SIXTH_DECIMAL = BigDecimal.make(5n, 7)

/** Beyond this no rounding excuses it. */
const ROUNDED_TOLERANCE = BigDecimal.make(1n, 2)

/**
 * Takes the rate from the amounts, never from the `rate` field, which must agree with them in one of its two conventions.
 * Both currencies and the destination amount must be what was asked for.
 */
export const check = (
  { destination, rate, source }: typeof Stated.Type,
  asked: Asked
): Result.Result<Quotation, Contradictory> => {
  const { pair } = asked
  if (source.currency !== pair.from || destination.currency !== pair.to) {
    const answered = `${excerpt(source.currency)}:${excerpt(destination.currency)}`
    return Result.fail(new Contradictory({ detail: `asked for ${pair.key}, answered ${answered}` }))
  }
  const sourceAmount = positive(source.amount)
  const destinationAmount = positive(destination.amount)
  const stated = positive(rate)
  if (Option.isNone(sourceAmount) || Option.isNone(destinationAmount) || Option.isNone(stated)) {
    const numbers = [source.amount, destination.amount, rate].map(excerpt).join(", ")
    return Result.fail(
      new Contradictory({ detail: `amounts and rate must be positive decimals, found ${numbers}` })
    )
  }
  if (!BigDecimal.equals(destinationAmount.value, asked.amount)) {
    return Result.fail(
      new Contradictory({
        detail: `asked for ${Decimal.format(asked.amount)}, answered ${Decimal.format(destinationAmount.value)}`
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
    return Result.fail(new Contradictory({ detail: "the amounts are too far apart to be a rate" }))
  }
  if (agrees(stated.value, destinationAmount.value, sourceAmount.value)) {
    return Result.succeed({ ...quotation, convention: "direct" })
  }
  if (agrees(stated.value, sourceAmount.value, destinationAmount.value)) {
    return Result.succeed({ ...quotation, convention: "inverse" })
  }
  const detail = `rate ${excerpt(rate)} is neither ${Decimal.format(quotation.rate)}, as its amounts say, nor the inverse`
  return Result.fail(new Contradictory({ detail }))
}

const positive = (text: string) => Option.filter(Decimal.parseJsonNumber(text), BigDecimal.isPositive)

/** Whether `stated` is `a / b`, within the tolerances: |stated × b − a| ≤ tolerance × a. */
const agrees = (stated: BigDecimal.BigDecimal, a: BigDecimal.BigDecimal, b: BigDecimal.BigDecimal) => {
  const error = BigDecimal.abs(BigDecimal.subtract(BigDecimal.multiply(stated, b), a))
  const within = (limit: BigDecimal.BigDecimal, of: BigDecimal.BigDecimal) =>
    BigDecimal.isLessThanOrEqualTo(error, BigDecimal.multiply(limit, of))
  return within(TOLERANCE, a) || (within(SIXTH_DECIMAL, b) && within(ROUNDED_TOLERANCE, a))
}
