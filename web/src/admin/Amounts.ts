import * as Decimal from "../money/Decimal.ts"
import * as Format from "../money/Format.ts"
import { assetOf } from "../rates/RateStore.ts"
import { texts } from "../texts/admin.ts"

/** Formats an amount with every digit: of a currency with its decimals, of another asset without zeros at the end. */
export const digits = (text: string, asset: string): string => {
  const { decimals, kind } = assetOf(asset)
  const value = Decimal.trim(Decimal.of(text))
  const scale = kind === "currency" ? Math.max(decimals, value.scale) : value.scale
  return Format.amount(Decimal.round(value, scale, "down"))
}

/** Formats an amount with its asset: `1,000.00 USD`. */
export const amount = (text: string, asset: string): string => `${digits(text, asset)} ${asset}`

/** Formats a signed amount: `+5.00`, `−5.00`. */
export const signed = (text: string, asset: string): string =>
  `${Decimal.isPositive(Decimal.of(text)) ? "+" : ""}${digits(text, asset)}`

/** Formats a time for a list, or says that there is none. */
export const time = (at: Date | null): string => (at === null ? texts.never : Format.dateAndTime(at))

const ISO_TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g

/** Replaces the times within a text of the server by those of the reader's time zone. */
export const withLocalTimes = (text: string): string =>
  text.replace(ISO_TIME, (found) => Format.dateAndTime(new Date(found)))

/** Formats the time since a time. */
export const since = (at: Date, now: number): string => Format.age((now - at.getTime()) / 1000)
