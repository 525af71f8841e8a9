import { BigDecimal, type Duration, Option, Result, Schema } from "effect"
import type { CurrencyPair } from "../domain/CurrencyPair.ts"
import * as Decimal from "../domain/Decimal.ts"
import * as ExactJson from "../domain/ExactJson.ts"
import {
  Contradictory,
  Failing,
  Malformed,
  type ProviderReason,
  RateLimited,
  Refused
} from "./ProviderError.ts"

/** What an answer of `GET /v3/transfers/rates` says of a pair, checked. */
export interface Quotation {
  /** `destinationAmount / sourceAmount`. */
  readonly rate: BigDecimal.BigDecimal
  readonly sourceAmount: BigDecimal.BigDecimal
  readonly destinationAmount: BigDecimal.BigDecimal
  /** `data.rate`, as it was written. */
  readonly providerRate: string
  /**
   * Which way round `data.rate` stood. Until April 2026 Flutterwave wrote source units per destination unit
   * (`inverse`), since then destination units per source unit (`direct`).
   */
  readonly convention: "direct" | "inverse"
}

/** How far `data.rate`, which is rounded, may lie from the amounts: 0.001391 was seen for 0.00139073. */
const TOLERANCE = BigDecimal.make(1n, 3)

/** Half of the sixth decimal, to which it was seen rounded: for 0.00020967 that leaves 0.00021, 1.6 thousandths off. */
const SIXTH_DECIMAL = BigDecimal.make(5n, 7)

/** Beyond this no rounding excuses it. */
const ROUNDED_TOLERANCE = BigDecimal.make(1n, 2)

/** Numbers come as text, exactly as they were written: a double would lose digits. */
const Numeral = Schema.String
const Side = Schema.Struct({ currency: Schema.String, amount: Numeral })
const Success = Schema.Struct({
  status: Schema.Literal("success"),
  data: Schema.Struct({ rate: Numeral, source: Side, destination: Side })
})
const Failure = Schema.Struct({ status: Schema.optionalKey(Schema.String), message: Schema.String })

const decodeSuccess = Schema.decodeUnknownResult(Success)
const decodeFailure = Schema.decodeUnknownOption(Failure)

/**
 * Reads an answer of 2xx. The rate is taken from the amounts, never from `data.rate`, which must agree with them in
 * one of its two conventions; both currencies and the destination amount must be what was asked for.
 */
export const read = (
  body: string,
  asked: { readonly pair: CurrencyPair; readonly amount: BigDecimal.BigDecimal }
): Result.Result<Quotation, ProviderReason> => {
  const json = ExactJson.parse(body)
  if (Option.isNone(json)) return Result.fail(new Malformed({ detail: `not JSON: ${excerpt(body)}` }))
  const decoded = decodeSuccess(json.value)
  if (Result.isFailure(decoded)) {
    const failure = decodeFailure(json.value)
    if (Option.isSome(failure) && failure.value.status !== "success") {
      return Result.fail(new Failing({ status: 200, detail: excerpt(failure.value.message) }))
    }
    return Result.fail(new Malformed({ detail: "fields are missing or of another kind" }))
  }
  const { destination, rate, source } = decoded.success.data
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

/** Reads an answer that is not of 2xx. */
export const readError = (
  status: number,
  body: string,
  retryAfter: Option.Option<Duration.Duration>
): ProviderReason => {
  const message = Option.match(Option.flatMap(ExactJson.parse(body), decodeFailure), {
    onNone: () => body,
    onSome: (failure) => failure.message
  })
  const detail = excerpt(message)
  if (status === 429)
    return new RateLimited(Option.isSome(retryAfter) ? { retryAfter: retryAfter.value } : {})
  return status >= 500 ? new Failing({ status, detail }) : new Refused({ status, detail })
}

const positive = (text: string) => Option.filter(Decimal.parseJsonNumber(text), BigDecimal.isPositive)

/** Whether `stated` is `a / b`, within the tolerances: |stated × b − a| ≤ tolerance × a. */
const agrees = (stated: BigDecimal.BigDecimal, a: BigDecimal.BigDecimal, b: BigDecimal.BigDecimal) => {
  const error = BigDecimal.abs(BigDecimal.subtract(BigDecimal.multiply(stated, b), a))
  const within = (limit: BigDecimal.BigDecimal, of: BigDecimal.BigDecimal) =>
    BigDecimal.isLessThanOrEqualTo(error, BigDecimal.multiply(limit, of))
  return within(TOLERANCE, a) || (within(SIXTH_DECIMAL, b) && within(ROUNDED_TOLERANCE, a))
}

/** The beginning of foreign text, on one line, for a message. */
const excerpt = (text: string) => text.slice(0, 120).replaceAll(/[^\x20-\x7e]+/g, " ")
