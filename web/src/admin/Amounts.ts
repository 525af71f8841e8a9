import * as Decimal from "../money/Decimal.ts"
import * as Format from "../money/Format.ts"
import { texts } from "../texts/admin.ts"

/** Formats an amount with its asset and every digit. */
export const amount = (text: string, asset: string): string => `${Format.group(text)} ${asset}`

/** Formats a signed amount: `+5.00`, `−5.00`. */
export const signed = (text: string): string =>
  `${Decimal.isPositive(Decimal.of(text)) ? "+" : ""}${Format.group(text)}`

/** Formats a time for a list, or says that there is none. */
export const time = (at: Date | null): string => (at === null ? texts.never : Format.dateAndTime(at))

const ISO_TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g

/** Replaces the times within a text of the server by those of the reader's time zone. */
export const withLocalTimes = (text: string): string =>
  text.replace(ISO_TIME, (found) => Format.dateAndTime(new Date(found)))

/** Formats the time since a time. */
export const since = (at: Date, now: number): string => Format.age((now - at.getTime()) / 1000)
