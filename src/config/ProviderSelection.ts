import { Duration, Option } from "effect"
import type { NonEmptyReadonlyArray } from "effect/Array"
import {
  type ExchangeName,
  type PriceProviderName,
  type ProviderName,
  SANDBOX
} from "./SettingDefinitions.ts"
import type { DirectValues, Selections } from "./SettingGroups.ts"

/** Providers and the exchange that are used: those that are selected, otherwise those that have a key. */
export interface ProviderSelection {
  /** Rate providers in failover order. */
  readonly providers: NonEmptyReadonlyArray<ProviderName>
  /** If true, the built-in sandbox replaces Flutterwave as the only provider, and all rates are generated. */
  readonly sandbox: boolean
  /** Providers of the prices of assets that are not currencies. */
  readonly priceProviders: ReadonlyArray<PriceProviderName>
  /** If true, the built-in sandbox generates the prices. */
  readonly priceSandbox: boolean
  /** Poll interval of prices. None: prices are not polled. */
  readonly pricePollInterval: Option.Option<Duration.Duration>
  /** Executes orders. `off`: orders are refused. */
  readonly exchange: ExchangeName
}

/** Selects the providers and the exchange. Without a key of any, the sandbox is selected. */
export const select = (selections: Selections, values: DirectValues): ProviderSelection => {
  const rates = selectRateProviders(selections, values)
  const prices = selectPriceProviders(selections, values, rates.sandbox)
  const hasAlpacaKey = Option.isSome(values.alpacaKeyId) || Option.isSome(values.alpacaSecretKey)
  return {
    ...rates,
    ...prices,
    exchange: Option.getOrElse(selections.exchange, (): ExchangeName =>
      hasAlpacaKey ? "alpaca" : rates.sandbox && prices.priceSandbox ? "sandbox" : "off"
    )
  }
}

const selectRateProviders = (selections: Selections, values: DirectValues) => {
  const selected = Option.getOrUndefined(selections.providers)
  const isKeyless = Option.isNone(values.flutterwaveSecretKey)
  const onlyV4 =
    isKeyless && (Option.isSome(values.flutterwaveClientId) || Option.isSome(values.flutterwaveClientSecret))
  const providers: NonEmptyReadonlyArray<ProviderName> =
    selected === undefined || selected === SANDBOX ? [onlyV4 ? "flutterwave-v4" : "flutterwave"] : selected
  return { providers, sandbox: selected === SANDBOX || (selected === undefined && !onlyV4 && isKeyless) }
}

const selectPriceProviders = (selections: Selections, values: DirectValues, sandbox: boolean) => {
  const selected = Option.getOrUndefined(selections.priceProviders)
  const withKey: ReadonlyArray<PriceProviderName> = [
    ...(Option.isSome(values.coinGeckoApiKey) ? (["coingecko"] as const) : []),
    ...(Option.isSome(values.massiveApiKey) ? (["massive"] as const) : [])
  ]
  const priceProviders = selected === SANDBOX ? [] : (selected ?? withKey)
  const isDemoPlan =
    priceProviders.includes("coingecko") && new URL(values.coinGeckoBaseUrl).hostname === "api.coingecko.com"
  return {
    priceProviders,
    priceSandbox: selected === SANDBOX || (selected === undefined && sandbox && withKey.length === 0),
    pricePollInterval: Option.getOrElse(selections.pricePollInterval, () =>
      Option.some(Duration.minutes(isDemoPlan ? 5 : 1))
    )
  }
}
