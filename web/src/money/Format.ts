import * as Decimal from "./Decimal.ts"

/** Decimals that a rate has at least. */
const MIN_RATE_SCALE = 2

const MINUS = "\u2212"

/** Groups the digits of plain decimal text by thousands: `1,234.50`. Keeps every digit. */
export const group = (text: string): string => {
  const [whole = "", fraction] = text.replace("-", "").split(".")
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",")
  return `${text.startsWith("-") ? MINUS : ""}${grouped}${fraction === undefined ? "" : `.${fraction}`}`
}

/** Decimals of a rate that are worth reading: about seven digits, at least two decimals. */
const scaleOf = (value: Decimal.Decimal) => {
  const whole = String(Decimal.round(value, 0, "down").digits)
  if (whole !== "0") return Math.max(MIN_RATE_SCALE, 6 - whole.length)
  const zeros = /^0\.(0*)/.exec(Decimal.toText(value))?.[1]?.length ?? 0
  return Math.min(zeros + 5, Math.max(value.scale, 4))
}

/** A figure whose last two digits are set apart. */
export interface Figure {
  readonly main: string
  readonly pips: string
}

const split = (text: string): Figure => ({ main: text.slice(0, -2), pips: text.slice(-2) })

/** Formats a rate for a list, rounded. */
export const rate = (text: string): Figure => {
  const value = Decimal.of(text)
  return split(group(Decimal.toText(Decimal.round(value, scaleOf(value), "half"))))
}

/** Formats a rate for a list of records, rounded. */
export const rateText = (text: string): string => {
  const { main, pips } = rate(text)
  return main + pips
}

/** Formats a rate for its own page: two decimals more than in a list, if it has them. */
export const figure = (text: string): Figure => {
  const value = Decimal.of(text)
  const scale = Math.max(MIN_RATE_SCALE, Math.min(scaleOf(value) + 2, value.scale))
  const rounded = group(Decimal.toText(Decimal.round(value, scale, "half")))
  return scale > MIN_RATE_SCALE ? split(rounded) : { main: rounded, pips: "" }
}

/** Formats a rate in full: all digits, at least two decimals. */
export const fullRate = (text: string): string => {
  const value = Decimal.trim(Decimal.of(text), MIN_RATE_SCALE)
  return group(Decimal.toText(Decimal.round(value, Math.max(value.scale, MIN_RATE_SCALE), "down")))
}

/** Formats an amount with all its digits. */
export const amount = (value: Decimal.Decimal): string => group(Decimal.toText(value))

/** Formats a fraction as a percentage without its sign: `0.0123` is `1.23%`. */
export const percentage = (fraction: Decimal.Decimal, scale = 2): string => {
  const percent = Decimal.round(Decimal.multiply(fraction, Decimal.make(100n)), scale, "half")
  return `${Decimal.toText(percent).replace("-", "")}%`
}

/** Formats a margin: `0.005` is `0.5%`. */
export const margin = (fraction: string): string =>
  `${Decimal.toText(Decimal.trim(Decimal.multiply(Decimal.of(fraction), Decimal.make(100n))))}%`

/** Reads an amount that a user typed: with or without grouping. Undefined if it is not one. */
export const parseAmount = (text: string): Decimal.Decimal | undefined => {
  const plain = text.trim().replace(/[\s,_\u00a0\u202f']/g, "")
  const value = /^\d{0,24}(\.\d{0,18})?$/.test(plain) ? Decimal.parse(plain) : undefined
  return value !== undefined && Decimal.isPositive(value) ? value : undefined
}

/** Formats a duration since a time in short words. */
export const age = (seconds: number): string => {
  if (seconds < 60) return `${Math.max(0, Math.floor(seconds))} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`
  return `${Math.floor(seconds / 86_400)} d`
}

/** Formats a time of day in the time zone of the reader. */
export const timeOfDay = (time: Date): string =>
  time.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" })

/** Formats a time for every reader alike: before the page knows its time zone. */
export const utc = (time: Date): string => `${time.toISOString().slice(0, 16).replace("T", " ")} UTC`

/** Formats a date in the time zone of the reader. */
export const date = (time: Date): string =>
  time.toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" })

/** Formats a time with its date in the time zone of the reader. */
export const dateAndTime = (time: Date): string =>
  time.toLocaleString("en-GB", {
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit"
  })
