import { type BigDecimal, DateTime, Effect, Option, Schema, String, Struct } from "effect"
import { AuditId } from "../domain/conversion/AuditId.ts"
import type { PricedConversion } from "../domain/conversion/PricedConversion.ts"
import { type Quote, QuoteId } from "../domain/conversion/Quote.ts"
import { AmountType } from "../domain/conversion/Conversion.ts"
import * as Currency from "../domain/money/Currency.ts"
import * as Decimal from "../domain/money/Decimal.ts"
import type { Money } from "../domain/money/Money.ts"
import { RateId } from "../domain/rates/Rate.ts"

/** Row of `quote`, as the driver returns it. */
const QuoteRow = Schema.Struct({
  id: QuoteId,
  sourceCurrency: Currency.CurrencyCode,
  destinationCurrency: Currency.CurrencyCode,
  amountType: AmountType,
  inputAmount: Decimal.ExactDecimal,
  outputAmount: Decimal.ExactDecimal,
  inputDecimals: Schema.NullOr(Schema.Int),
  outputDecimals: Schema.NullOr(Schema.Int),
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
  principal: Schema.String,
  /** Null in quotes of version 0.1.0. */
  owner: Schema.NullOr(Schema.String),
  createdAt: Schema.DateTimeUtcFromDate,
  expiresAt: Schema.DateTimeUtcFromDate,
  usedBy: Schema.NullOr(AuditId)
})
const decodeRow = Schema.decodeUnknownEffect(QuoteRow)

/** Columns of `quote` that {@link toQuote} reads. */
export const COLUMNS = Struct.keys(QuoteRow.fields).map(String.camelToSnake).join(", ")

/** Decodes a row of `quote`, selected by {@link COLUMNS}. */
export const toQuote = (row: unknown): Effect.Effect<Quote> =>
  decodeRow(row).pipe(
    Effect.orDie,
    Effect.map(
      ({
        createdAt,
        destinationCurrency,
        expiresAt,
        id,
        inputAmount,
        inputDecimals,
        outputAmount,
        outputDecimals,
        owner,
        sourceCurrency,
        usedBy,
        ...priced
      }) => ({
        id,
        owner: owner ?? priced.principal,
        priced: {
          ...priced,
          input: money(inputAmount, sourceCurrency, inputDecimals),
          output: money(outputAmount, destinationCurrency, outputDecimals)
        },
        createdAt,
        expiresAt,
        usedBy
      })
    )
  )

/**
 * An amount with the decimals with which it was quoted, also after ISO 4217 changed the minor unit of its currency or
 * withdrew it. `decimals` is null in quotes of version 0.1.0; these have the decimals of today's minor unit.
 */
const money = (
  amount: BigDecimal.BigDecimal,
  code: Currency.CurrencyCode,
  decimals: number | null
): Money => {
  const known = Option.getOrUndefined(Currency.find(code))
  const minorUnit = decimals ?? known?.minorUnit ?? Math.max(0, amount.scale)
  return { amount, currency: { code, name: known?.name ?? code, minorUnit } }
}

/** Encodes the columns of a priced conversion for an INSERT. */
export const fromPriced = (priced: PricedConversion) => ({
  source_currency: priced.input.currency.code,
  destination_currency: priced.output.currency.code,
  amount_type: priced.amountType,
  input_amount: Decimal.format(priced.input.amount),
  output_amount: Decimal.format(priced.output.amount),
  input_decimals: priced.input.currency.minorUnit,
  output_decimals: priced.output.currency.minorUnit,
  mid_rate: Decimal.format(priced.midRate),
  margin: Decimal.format(priced.margin),
  rate: Decimal.format(priced.rate),
  exact_output: Decimal.format(priced.exactOutput),
  residual: Decimal.format(priced.residual),
  rate_id: priced.rateId,
  provider: priced.provider,
  rate_fetched_at: DateTime.formatIso(priced.rateFetchedAt),
  stale: priced.stale,
  reference: priced.reference,
  principal: priced.principal
})
