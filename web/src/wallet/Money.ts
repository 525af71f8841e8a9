import type { AssetKind } from "../../../src/client/promise/Values.ts"
import * as Decimal from "../money/Decimal.ts"
import * as Format from "../money/Format.ts"
import { assetOf } from "../rates/RateStore.ts"
import { texts } from "../texts/wallet.ts"

const SCALE_OF_DELISTED = 18

/** Returns the decimals of an asset. One that is not listed any more has as many as its balance. */
export const decimalsOf = (code: string, balance?: string): number => {
  const asset = assetOf(code)
  if (asset.name !== code || balance === undefined) return asset.decimals
  return Math.min(balance.split(".")[1]?.length ?? 0, SCALE_OF_DELISTED)
}

/** Formats an amount that the server sent: of a currency with all its decimals, of another asset without zeros at the end. */
export const digits = (amount: string, code: string): string =>
  assetOf(code).kind === "currency" ? Format.group(amount) : Format.amount(Decimal.trim(Decimal.of(amount)))

/** Formats an amount that the server sent, and its code: `1,234.50 USD`, `0.25 ETH`. */
export const money = (amount: string, code: string): string => `${digits(amount, code)} ${code}`

/** Formats an amount with all decimals of its asset. */
export const exact = (value: Decimal.Decimal, code: string): string => {
  const { decimals } = assetOf(code)
  return `${Format.amount(Decimal.round(value, Math.max(decimals, value.scale), "down"))} ${code}`
}

/** Formats a change with its sign: `+12.00 USD`, `−3.00 USD`. */
export const signed = (change: string, code: string): string =>
  `${change.startsWith("-") ? "" : "+"}${money(change, code)}`

/** Returns what is wrong with an amount that a user typed. Empty if nothing is. */
export const problemOf = (text: string, code: string, decimals: number, available?: string): string => {
  const amount = Format.parseAmount(text)
  if (amount === undefined) return texts.amount.wrong
  if (Decimal.trim(amount).scale > decimals) return texts.amount.decimals(code, decimals)
  if (available !== undefined && Decimal.compare(amount, Decimal.of(available)) > 0)
    return texts.amount.tooMuch(money(available, code))
  return ""
}

/** Returns the plain decimal text of an amount that a user typed, such as `1000.50` for `1,000.50`. */
export const plain = (text: string): string => {
  const amount = Format.parseAmount(text)
  return amount === undefined ? "" : Decimal.toText(amount)
}

/** Formats units of an asset without zeros at the end, as orders have them. */
export const exactUnits = (value: Decimal.Decimal, code: string): string =>
  `${Format.amount(Decimal.trim(value))} ${code}`

/** Returns true if an amount is more than a balance. */
export const isMore = (amount: Decimal.Decimal, balance: string): boolean =>
  Decimal.compare(amount, Decimal.of(balance)) > 0

/** Returns `balance - amount`, with all digits. */
export const less = (balance: string, amount: Decimal.Decimal): string =>
  Decimal.toText(Decimal.subtract(Decimal.of(balance), amount))

/** Splits an amount before its decimal point: the decimals of a large figure are set smaller. */
export const splitAmount = (text: string): Format.Figure => {
  const [main = "", fraction] = Format.group(text).split(".")
  return { main, pips: fraction === undefined ? "" : `.${fraction}` }
}

/** Returns the symbol of a currency, such as `$`. Empty if it has none of its own. */
export const symbolOf = (code: string, kind: AssetKind = "currency"): string => {
  if (kind !== "currency") return ""
  const symbol = new Intl.NumberFormat("en", {
    style: "currency",
    currency: code,
    currencyDisplay: "narrowSymbol"
  })
    .formatToParts(0)
    .find(({ type }) => type === "currency")?.value
  return symbol === undefined || symbol === code || /[A-Za-z]/.test(symbol) ? "" : symbol
}

const DAY_MILLIS = 86_400_000

/** Names a day for a heading of a list. */
export const dayText = (start: Date, now: number): string => {
  const today = new Date(now)
  const startOfToday = new Date(today.getFullYear(), today.getMonth(), today.getDate()).getTime()
  if (start.getTime() >= startOfToday) return texts.statement.today
  if (start.getTime() >= startOfToday - DAY_MILLIS) return texts.statement.yesterday
  return start.toLocaleDateString("en-GB", { day: "numeric", month: "long", year: "numeric" })
}
