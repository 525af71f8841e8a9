import { Schema } from "effect"
import { CurrencyCode } from "../../domain/money/Currency.ts"
import * as Decimal from "../../domain/money/Decimal.ts"
import { CandleInterval } from "../../domain/rates/History.ts"
import { RateId } from "../../domain/rates/Rate.ts"
import * as PageMessage from "../PageMessage.ts"

const Digits = Schema.String.annotate({ description: "A positive decimal, as plain digits" })
const Time = Schema.String.annotate({ description: "ISO 8601, UTC, with milliseconds" })

/** A rate as it was stored, corrected later or not. */
export const HistoryRowMessage = Schema.Struct({
  rate: Digits,
  rate_id: RateId,
  provider: Schema.String,
  /** In force from then on. */
  fetched_at: Time,
  /** When it became known here. */
  recorded_at: Time,
  /** The ids of the rates that it was computed from, where the provider does not quote the pair itself. */
  derived_from: Schema.Array(RateId)
}).annotate({ identifier: "HistoryRow" })

/** The rates of an hour or a day (UTC), each as it is known now. */
export const CandleMessage = Schema.Struct({
  start: Time,
  open: Digits,
  high: Digits,
  low: Digits,
  close: Digits,
  count: Schema.Int
}).annotate({ identifier: "Candle" })

const pair = { from: CurrencyCode, to: CurrencyCode }

export const HistoryRowsPage = Schema.Struct({
  ...pair,
  interval: Schema.Literal("raw"),
  ...PageMessage.page(HistoryRowMessage)
}).annotate({ identifier: "HistoryRowsPage" })

export const CandlesPage = Schema.Struct({
  ...pair,
  interval: CandleInterval,
  ...PageMessage.page(CandleMessage)
}).annotate({ identifier: "CandlesPage" })

/** The rate that was in force at a moment, as it was known at another one. */
export const AsOfMessage = Schema.Struct({
  ...pair,
  rate: Decimal.PositiveDecimal,
  rateId: RateId,
  provider: Schema.String,
  fetchedAt: Schema.DateTimeUtcFromString,
  recordedAt: Schema.DateTimeUtcFromString,
  /** The ids of the rates that it was computed from, where the provider does not quote the pair itself. */
  derivedFrom: Schema.Array(RateId),
  at: Schema.DateTimeUtcFromString,
  knownAt: Schema.DateTimeUtcFromString
})
  .pipe(
    Schema.encodeKeys({
      rateId: "rate_id",
      fetchedAt: "fetched_at",
      recordedAt: "recorded_at",
      derivedFrom: "derived_from",
      knownAt: "known_at"
    })
  )
  .annotate({ identifier: "AsOf" })
export type AsOfMessage = typeof AsOfMessage.Type
