import { DateTime, Effect, Option, Schema } from "effect"
import type { BigDecimal } from "effect"
import {
  AuditId,
  type AuditRecord,
  type PricedConversion,
  type Quote,
  QuoteId
} from "../domain/conversion/AuditRecord.ts"
import { AmountType } from "../domain/conversion/Conversion.ts"
import * as Currency from "../domain/money/Currency.ts"
import * as Decimal from "../domain/money/Decimal.ts"
import { RateId } from "../domain/rates/Rate.ts"

/** The columns that quotes and conversions share, as the database gives them. */
const priced = {
  sourceCurrency: Currency.CurrencyCode,
  destinationCurrency: Currency.CurrencyCode,
  amountType: AmountType,
  inputAmount: Decimal.ExactDecimal,
  outputAmount: Decimal.ExactDecimal,
  midRate: Decimal.ExactDecimal,
  margin: Decimal.ExactDecimal,
  rate: Decimal.ExactDecimal,
  exactOutput: Decimal.ExactDecimal,
  residual: Decimal.ExactDecimal,
  rateId: RateId,
  provider: Schema.String,
  rateFetchedAt: Schema.DateTimeUtcFromDate,
  stale: Schema.Boolean,
  reference: Schema.NullOr(Schema.String),
  principal: Schema.String
}

const QuoteRow = Schema.Struct({
  ...priced,
  id: QuoteId,
  createdAt: Schema.DateTimeUtcFromDate,
  expiresAt: Schema.DateTimeUtcFromDate,
  usedBy: Schema.NullOr(AuditId)
})

const PRICED_COLUMNS =
  "id, source_currency, destination_currency, amount_type, input_amount, output_amount, mid_rate, margin, rate, exact_output, residual, rate_id, provider, rate_fetched_at, stale, reference, principal"

export const AUDIT_COLUMNS = `${PRICED_COLUMNS}, quote_id, converted_at`
export const QUOTE_COLUMNS = `${PRICED_COLUMNS}, created_at, expires_at, used_by`

const toPriced = (row: Schema.Struct.Type<typeof priced>): PricedConversion => ({
  input: money(row.inputAmount, row.sourceCurrency),
  output: money(row.outputAmount, row.destinationCurrency),
  midRate: row.midRate,
  margin: row.margin,
  rate: row.rate,
  exactOutput: row.exactOutput,
  residual: row.residual,
  amountType: row.amountType,
  rateId: row.rateId,
  provider: row.provider,
  rateFetchedAt: row.rateFetchedAt,
  stale: row.stale,
  reference: row.reference,
  principal: row.principal
})

const money = (amount: BigDecimal.BigDecimal, code: Currency.CurrencyCode) => ({
  amount,
  // A currency that has left ISO 4217 since is still what was converted.
  currency: Option.getOrElse(Currency.find(code), () => ({
    code,
    name: code,
    minorUnit: Math.max(0, amount.scale)
  }))
})

const decodeQuote = Schema.decodeUnknownEffect(QuoteRow)

/** A row of `conversion_audit`, selected by {@link AUDIT_COLUMNS}. */
export interface AuditRow {
  readonly id: AuditId
  readonly sourceCurrency: Currency.CurrencyCode
  readonly destinationCurrency: Currency.CurrencyCode
  readonly amountType: AmountType
  readonly inputAmount: string
  readonly outputAmount: string
  readonly midRate: string
  readonly margin: string
  readonly rate: string
  readonly exactOutput: string
  readonly residual: string
  readonly rateId: RateId
  readonly provider: string
  readonly rateFetchedAt: Date
  readonly stale: boolean
  readonly reference: string | null
  readonly principal: string
  readonly quoteId: QuoteId | null
  readonly convertedAt: Date
}

/** As the record was told: Postgres keeps zeros at the end of a number, and adds none. */
export const toRecord = (row: AuditRow): AuditRecord => ({
  audit_id: row.id,
  from_currency: row.sourceCurrency,
  to_currency: row.destinationCurrency,
  input_amount: amountText(row.inputAmount, row.sourceCurrency),
  output_amount: amountText(row.outputAmount, row.destinationCurrency),
  mid_rate: Decimal.trim(row.midRate),
  margin: Decimal.trim(row.margin),
  rate: Decimal.trim(row.rate),
  rate_id: row.rateId,
  provider: row.provider,
  rate_fetched_at: timeText(row.rateFetchedAt),
  stale: row.stale,
  amount_type: row.amountType,
  exact_output: Decimal.trim(row.exactOutput),
  residual: Decimal.trim(row.residual),
  quote_id: row.quoteId,
  reference: row.reference,
  principal: row.principal,
  converted_at: timeText(row.convertedAt)
})

/** What is no time, such as `infinity`, was never told: the record is not what was sealed. */
const timeText = (time: Date) => (Number.isNaN(time.getTime()) ? String(time) : time.toISOString())

/** A currency that has left ISO 4217 since is still what was converted, with the decimals that are kept. */
const amountText = (amount: string, code: Currency.CurrencyCode) => {
  const currency = Currency.find(code)
  return Option.isNone(currency) ? amount : Decimal.pad(Decimal.trim(amount), currency.value.minorUnit)
}

/** A row of `quote`, selected by {@link QUOTE_COLUMNS}. */
export const toQuote = (row: unknown): Effect.Effect<Quote> =>
  decodeQuote(row).pipe(
    Effect.orDie,
    Effect.map((decoded) => ({
      id: decoded.id,
      priced: toPriced(decoded),
      createdAt: decoded.createdAt,
      expiresAt: decoded.expiresAt,
      usedBy: decoded.usedBy
    }))
  )

/** The columns that quotes and conversions share, as values for an insert. */
export const fromPriced = (conversion: PricedConversion) => ({
  source_currency: conversion.input.currency.code,
  destination_currency: conversion.output.currency.code,
  amount_type: conversion.amountType,
  input_amount: Decimal.format(conversion.input.amount),
  output_amount: Decimal.format(conversion.output.amount),
  mid_rate: Decimal.format(conversion.midRate),
  margin: Decimal.format(conversion.margin),
  rate: Decimal.format(conversion.rate),
  exact_output: Decimal.format(conversion.exactOutput),
  residual: Decimal.format(conversion.residual),
  rate_id: conversion.rateId,
  provider: conversion.provider,
  rate_fetched_at: DateTime.formatIso(conversion.rateFetchedAt),
  stale: conversion.stale,
  reference: conversion.reference,
  principal: conversion.principal
})
