import type { DateTime } from "effect"
import { Schema } from "effect"
import { AsOfMessage } from "../../api/history/HistoryMessage.ts"
import type { candleFields, AsOfRate, rowFields } from "../../domain/rates/History.ts"
import type * as Export from "./Export.ts"

/** Export layout of stored rates. */
export const ROW_LAYOUT: Export.Layout<ReturnType<typeof rowFields>> = {
  name: "rates",
  columns: ["fetched_at", "recorded_at", "rate", "rate_id", "provider", "derived_from"]
}

/** Export layout of candles. */
export const CANDLE_LAYOUT: Export.Layout<ReturnType<typeof candleFields>> = {
  name: "candles",
  columns: ["start", "open", "high", "low", "close", "count"]
}

/** Converts the rate in force at `at`, as known at `knownAt`, to its API message. */
export const toAsOfMessage = (
  { derivedFrom, rate, recordedAt }: AsOfRate,
  at: DateTime.Utc,
  knownAt: DateTime.Utc
): AsOfMessage => ({
  from: rate.pair.from,
  to: rate.pair.to,
  rate: rate.rate,
  rateId: rate.id,
  provider: rate.provider,
  fetchedAt: rate.observedAt,
  recordedAt,
  derivedFrom,
  at,
  knownAt
})

/** Encodes the message as JSON. */
export const encodeAsOf = Schema.encodeSync(Schema.fromJsonString(AsOfMessage))
