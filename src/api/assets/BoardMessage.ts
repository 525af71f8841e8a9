import { Schema } from "effect"
import { AssetCode } from "../../domain/money/Asset.ts"
import * as Decimal from "../../domain/money/Decimal.ts"
import { Timestamp } from "../../domain/Timestamp.ts"
import { latestRateFields, names } from "../rates/RateMessage.ts"
import { Change, DecimalText } from "./ExchangeMessage.ts"

/** A pair of the board: its latest rate, and its recent development. */
export const BoardPair = Schema.Struct({
  ...latestRateFields,
  /** Null without a rate of that time. */
  change24h: Schema.NullOr(Change),
  /** The rate in force at each of the times of the board. Null where none is known. */
  series: Schema.Array(Schema.NullOr(Decimal.PositiveDecimal)),
  /** The margin of a conversion, as a fraction. */
  margin: DecimalText,
  /** The poller refreshes the pair. Other pairs are fetched when they are asked for. */
  polled: Schema.Boolean
})
  .pipe(Schema.encodeKeys({ ...names, change24h: "change_24h" }))
  .annotate({ identifier: "BoardPair" })

/** Every pair of a base that has a rate. */
export const Board = Schema.Struct({
  base: AssetCode,
  /** Times of the series, oldest first; the last one is now. */
  times: Schema.Array(Timestamp),
  pairs: Schema.Array(BoardPair)
}).annotate({ identifier: "Board" })
