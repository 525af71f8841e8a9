import { Option } from "effect"
import * as Currency from "../../domain/money/Currency.ts"
import { define } from "../SettingDefinition.ts"
import { oneOf, optional } from "../SettingParsers.ts"

/** Settings of wallets. */

export const HOME_CURRENCY = define({
  name: "HOME_CURRENCY",
  defaultText: "USD; the first of RATE_SOURCES if USD is in neither list",
  description: "Currency in which wallets state their total value. One of RATE_SOURCES and RATE_DESTINATIONS",
  allowed: "an ISO 4217 code of RATE_SOURCES or RATE_DESTINATIONS",
  ...optional((text) => Option.map(Currency.find(text), ({ code }) => code))
})

const funding = oneOf("sandbox", "manual")

export const FUNDING = define({
  name: "FUNDING",
  defaultText: "sandbox if the rates are those of the sandbox, manual otherwise",
  description:
    "How deposits and withdrawals are decided. `sandbox`: by the built-in sandbox, without any payment. `manual`: by administrators, with the reference of the payment",
  allowed: funding.allowed,
  ...optional(funding.parse)
})
