import { BigDecimal, DateTime } from "effect"
import type { RateEventMessage } from "../../src/api/rates/RateEventMessage.ts"
import type { RateMessage } from "../../src/api/rates/RateMessage.ts"
import * as Decimal from "../../src/domain/money/Decimal.ts"
import { CurrencyCode } from "../../src/domain/money/Currency.ts"
import { RateId } from "../../src/domain/rates/Rate.ts"

/** Creates the message of a USD rate. The id is derived from the value. */
export const rate = (value: string, to = "NGN"): RateMessage => ({
  from: CurrencyCode.make("USD"),
  to: CurrencyCode.make(to),
  rate: BigDecimal.fromStringUnsafe(value),
  rateId: RateId.make(`01980000-0000-7000-8000-${value.replace(".", "").padStart(12, "0").slice(-12)}`),
  provider: "test",
  fetchedAt: DateTime.makeUnsafe("2026-11-21T03:27:17.086Z"),
  stale: false
})

export const snapshot = (sequence: number, ...rates: ReadonlyArray<RateMessage>): RateEventMessage => ({
  _tag: "Snapshot",
  epoch: "e",
  sequence,
  rates
})

export const changed = (sequence: number, rate: RateMessage): RateEventMessage => ({
  _tag: "RateChanged",
  epoch: "e",
  sequence,
  rate
})

export const gap = (sequence: number, since: string): RateEventMessage => ({
  _tag: "Gap",
  epoch: "e",
  sequence,
  since
})

/** Formats an event as its type and sequence number: `Snapshot 5`. */
export const brief = (event: RateEventMessage) => `${event._tag} ${event.sequence}`

export const digits = (message: RateMessage) => Decimal.format(message.rate)
