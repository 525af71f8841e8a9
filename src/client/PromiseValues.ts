import { DateTime } from "effect"
import type { ConversionResult, QuoteResult } from "../api/conversion/ConversionResult.ts"
import type { PollMessage } from "../api/polling/PollMessage.ts"
import type { RateEventMessage } from "../api/rates/RateEventMessage.ts"
import type { RateMessage } from "../api/rates/RateMessage.ts"
import * as Decimal from "../domain/money/Decimal.ts"
import * as StreamPosition from "../domain/rates/StreamPosition.ts"

/** The latest rate of a pair: units of `to` per unit of `from`. */
export interface Rate {
  readonly from: string
  readonly to: string
  /** Exact decimal string, such as `1534.12345678`. Use a decimal library for arithmetic. */
  readonly rate: string
  readonly rateId: string
  /** Provider name, such as `flutterwave`, or `sandbox` for generated rates. */
  readonly provider: string
  /** When the server queried the provider. */
  readonly fetchedAt: Date
  /** True if the rate is older than the server's `STALE_AFTER` and could not be refreshed. */
  readonly stale: boolean
}

/**
 * A stream event: the latest rates of all subscribed pairs (`snapshot`), one change (`rate`), or skipped changes
 * (`gap`, followed by a snapshot). Pass `position` as `since` to resume after the event.
 */
export type RateEvent =
  | { readonly type: "snapshot"; readonly position: string; readonly rates: ReadonlyArray<Rate> }
  | { readonly type: "rate"; readonly position: string; readonly rate: Rate }
  | { readonly type: "gap"; readonly position: string }

/** A committed conversion. Amounts and rates are decimal strings. */
export interface Conversion extends Omit<ConversionResult, "rateFetchedAt" | "convertedAt"> {
  readonly rateFetchedAt: Date
  readonly convertedAt: Date
}

/** A quote: the locked rate and amounts of a conversion. Amounts and rates are decimal strings. */
export interface Quote extends Omit<QuoteResult, "rateFetchedAt" | "expiresAt" | "createdAt"> {
  readonly rateFetchedAt: Date
  readonly expiresAt: Date
  readonly createdAt: Date
}

/** A finished poll. */
export interface Poll extends Omit<PollMessage, "startedAt" | "finishedAt"> {
  readonly startedAt: Date
  readonly finishedAt: Date
}

const dateOf = DateTime.toDateUtc

export const rateOf = (message: RateMessage): Rate => ({
  ...message,
  rate: Decimal.format(message.rate),
  fetchedAt: dateOf(message.fetchedAt)
})

export const eventOf = (message: RateEventMessage): RateEvent => {
  const position = StreamPosition.format(message)
  switch (message._tag) {
    case "Snapshot":
      return { type: "snapshot", position, rates: message.rates.map(rateOf) }
    case "RateChanged":
      return { type: "rate", position, rate: rateOf(message.rate) }
    case "Gap":
      return { type: "gap", position }
  }
}

export const conversionOf = (result: ConversionResult): Conversion => ({
  ...result,
  rateFetchedAt: dateOf(result.rateFetchedAt),
  convertedAt: dateOf(result.convertedAt)
})

export const quoteOf = (result: QuoteResult): Quote => ({
  ...result,
  rateFetchedAt: dateOf(result.rateFetchedAt),
  expiresAt: dateOf(result.expiresAt),
  createdAt: dateOf(result.createdAt)
})

export const pollOf = (message: PollMessage): Poll => ({
  ...message,
  startedAt: dateOf(message.startedAt),
  finishedAt: dateOf(message.finishedAt)
})
