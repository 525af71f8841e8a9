import { Option } from "effect"
import * as Currency from "../domain/money/Currency.ts"
import { define } from "./SettingDefinition.ts"

/** Settings of wallets. */

export const HOME_CURRENCY = define({
  name: "HOME_CURRENCY",
  defaultValue: Currency.CurrencyCode.make("USD"),
  defaultText: "USD",
  description: "Currency in which the balance and the total value of a wallet are shown",
  allowed: "the code of a currency of ISO 4217",
  parse: (text: string) => Option.map(Currency.find(text), ({ code }) => code)
})
