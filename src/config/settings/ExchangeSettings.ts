import { Option } from "effect"
import { define } from "../SettingDefinition.ts"
import { baseUrl, credential, oneOf, optional } from "../SettingParsers.ts"

/** Settings for the exchange that executes orders. */

const exchange = oneOf("alpaca", "sandbox", "off")
export type ExchangeName = Option.Option.Value<ReturnType<typeof exchange.parse>>

export const EXCHANGE = define({
  name: "EXCHANGE",
  defaultText: "alpaca if its key is set; sandbox with sandbox rates; off otherwise",
  description:
    "Exchange that executes orders. `sandbox` simulates one, which trades at generated prices; with `off`, orders are refused",
  allowed: exchange.allowed,
  ...optional(exchange.parse)
})

export const ALPACA_KEY_ID = define({
  ...credential,
  name: "ALPACA_KEY_ID",
  description: "Key ID of your Alpaca account"
})

export const ALPACA_SECRET_KEY = define({
  ...credential,
  name: "ALPACA_SECRET_KEY",
  description: "Secret key of your Alpaca account"
})

const address = baseUrl("https://paper-api.alpaca.markets")

export const ALPACA_BASE_URL = define({
  ...address,
  name: "ALPACA_BASE_URL",
  description:
    "Base URL of Alpaca's trading API. The default trades with simulated money; `https://api.alpaca.markets` trades with real money",
  // Alpaca shows its base URL with `/v2`. The client appends it.
  parse: (text) => Option.map(address.parse(text), (base) => base.replace(/\/v2$/, "").replace(/\/+$/, ""))
})

/** Settings of the exchange, by the names of their values. `ProviderSelection.ts` decides which exchange is used. */
export const exchangeSettings = {
  alpacaKeyId: ALPACA_KEY_ID,
  alpacaSecretKey: ALPACA_SECRET_KEY,
  alpacaBaseUrl: ALPACA_BASE_URL
}
