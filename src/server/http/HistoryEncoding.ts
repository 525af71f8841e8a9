import type { DateTime } from "effect"
import { Schema } from "effect"
import { AsOfMessage } from "../../api/history/HistoryMessage.ts"
import type { candleFields, AsOfRate, rowFields } from "../../domain/rates/History.ts"
import type * as Export from "./Export.ts"

/** Rates, each as it was stored, as a file. */
export const ROWS: Export.Layout<ReturnType<typeof rowFields>> = {
  name: "rates",
  columns: ["fetched_at", "recorded_at", "rate", "rate_id", "provider", "derived_from"]
}

/** Candles, as a file. */
export const CANDLES: Export.Layout<ReturnType<typeof candleFields>> = {
  name: "candles",
  columns: ["start", "open", "high", "low", "close", "count"]
}

/** A rate, and for which moments it is told. */
export const toAsOf = (
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

/** It as JSON. */
export const toAsOfText = Schema.encodeSync(Schema.fromJsonString(AsOfMessage))
