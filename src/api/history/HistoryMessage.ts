import { Schema } from "effect"
import { AssetCode } from "../../domain/money/Asset.ts"
import * as Decimal from "../../domain/money/Decimal.ts"
import { CandleInterval } from "../../domain/rates/History.ts"
import { RateId } from "../../domain/rates/Rate.ts"
import * as PageMessage from "../PageMessage.ts"
import { Timestamp, TimestampText } from "../../domain/Timestamp.ts"

const Digits = Schema.String.annotate({ description: "A positive decimal in plain digits" })
const Time = TimestampText

/** A stored rate, including rates that were corrected later. */
export const HistoryRowMessage = Schema.Struct({
  rate: Digits,
  rate_id: RateId,
  provider: Schema.String,
  /** When the provider was queried. The rate is in force from then on. */
  fetched_at: Time,
  /** When effex stored the rate. */
  recorded_at: Time,
  /** Ids of the rates that it was computed from. Empty if the provider quoted the pair directly. */
  derived_from: Schema.Array(RateId)
}).annotate({ identifier: "HistoryRow" })

/** Open, high, low and close of one UTC hour or day, with corrections applied. */
export const CandleMessage = Schema.Struct({
  start: Time,
  open: Digits,
  high: Digits,
  low: Digits,
  close: Digits,
  count: Schema.Int
}).annotate({ identifier: "Candle" })

const pair = { from: AssetCode, to: AssetCode }

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

/** The rate in force at `at`, as known at `known_at`. */
export const AsOfMessage = Schema.Struct({
  ...pair,
  rate: Decimal.PositiveDecimal,
  rateId: RateId,
  provider: Schema.String,
  fetchedAt: Timestamp,
  recordedAt: Timestamp,
  /** Ids of the rates that it was computed from. Empty if the provider quoted the pair directly. */
  derivedFrom: Schema.Array(RateId),
  at: Timestamp,
  knownAt: Timestamp
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
