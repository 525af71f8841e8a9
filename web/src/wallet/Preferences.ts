import { assetsOf } from "../rates/RateStore.ts"
import { PRICE_CURRENCY } from "./Portfolio.ts"

const CURRENCY_KEY = "effex-total-currency"
const HIDDEN_KEY = "effex-amounts-hidden"

/** Storage may be blocked: then the choice lasts as long as the page. */
const read = (key: string) => {
  try {
    return localStorage.getItem(key)
  } catch {
    return null
  }
}

const write = (key: string, value: string) => {
  try {
    localStorage.setItem(key, value)
  } catch {
    // The page has the choice.
  }
}

/** Returns the currency in which the total is shown. */
export const readCurrency = (): string => {
  const stored = read(CURRENCY_KEY)
  const codes = assetsOf("currency").map(({ code }) => code)
  if (stored !== null && codes.includes(stored)) return stored
  return codes.includes(PRICE_CURRENCY) ? PRICE_CURRENCY : (codes[0] ?? PRICE_CURRENCY)
}

export const writeCurrency = (code: string): void => write(CURRENCY_KEY, code)

export const readHidden = (): boolean => read(HIDDEN_KEY) === "yes"

export const writeHidden = (isHidden: boolean): void => write(HIDDEN_KEY, isHidden ? "yes" : "no")
