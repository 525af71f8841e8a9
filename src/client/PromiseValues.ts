import { DateTime } from "effect"
import type { ConversionResult, QuoteResult } from "../api/conversion/ConversionResult.ts"
import type { PollMessage } from "../api/polling/PollMessage.ts"
import type { RateEventMessage } from "../api/rates/RateEventMessage.ts"
import type { RateMessage } from "../api/rates/RateMessage.ts"
import * as Decimal from "../domain/money/Decimal.ts"
import * as StreamPosition from "../domain/rates/StreamPosition.ts"

/** Units of `to` for one unit of `from`. */
export interface Rate {
  readonly from: string
  readonly to: string
  /** Exact decimal digits, such as `1534.12345678`: for reckoning, give them to a decimal library. */
  readonly rate: string
  readonly rateId: string
  /** `flutterwave`, or `sandbox` for made-up rates. */
  readonly provider: string
  /** When it was observed at the provider. */
  readonly fetchedAt: Date
  /** It is older than the server allows, and could not be refreshed. */
  readonly stale: boolean
}

/**
 * What is told of the rates: everything that is known (`snapshot`), one change (`rate`), or that changes were left out
 * (`gap`), which a snapshot makes good. `position` resumes from here.
 */
export type RateEvent =
  | { readonly type: "snapshot"; readonly position: string; readonly rates: ReadonlyArray<Rate> }
  | { readonly type: "rate"; readonly position: string; readonly rate: Rate }
  | { readonly type: "gap"; readonly position: string }

/** A conversion that is committed. Amounts and rates are decimal digits. */
export interface Conversion extends Omit<ConversionResult, "rateFetchedAt" | "convertedAt"> {
  readonly rateFetchedAt: Date
  readonly convertedAt: Date
}

/** Numbers that are locked. Amounts and rates are decimal digits. */
export interface Quote extends Omit<QuoteResult, "rateFetchedAt" | "expiresAt" | "createdAt"> {
  readonly rateFetchedAt: Date
  readonly expiresAt: Date
  readonly createdAt: Date
}

/** A poll that has finished. */
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
