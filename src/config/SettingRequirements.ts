import { Option } from "effect"
import * as Definitions from "./SettingDefinitions.ts"
import type { InvalidSetting } from "./InvalidSettings.ts"
import type { Selections } from "./SettingGroups.ts"
import type { SettingValues } from "./SettingValues.ts"

type Invalid = typeof InvalidSetting.Type
type Unmet = ReadonlyArray<Invalid>

/** Lists the settings that contradict other settings, or that other settings require. */
export const unmet = (selections: Selections, settings: SettingValues): Unmet => [
  ...production(selections, settings),
  ...replica(settings),
  ...generatedRates(selections, settings),
  ...credentials(settings),
  ...exchange(selections, settings),
  ...sandboxMix(settings),
  ...currencies(selections, settings)
]

const missing = (name: string, allowed: string): Invalid => ({ name, found: "nothing", allowed })

const requireSome = (value: Option.Option<unknown>, name: string, allowed: string): Unmet =>
  Option.isNone(value) ? [missing(name, allowed)] : []

/** Production uses neither the embedded database nor the sandbox, unless both are allowed. */
const production = (
  { allowEmbedded, environment, ...selections }: Selections,
  settings: SettingValues
): Unmet => {
  if (!Option.contains(environment, "production") || allowEmbedded) return []
  const instead = (value: string, fallback: string) =>
    `${value} (production does not use ${fallback}); or set ALLOW_EMBEDDED=true`
  const rejectSandbox = (selected: Option.Option<string>, name: string, allowed: string): Unmet =>
    Option.contains(selected, "sandbox") ? [{ name, found: JSON.stringify("sandbox"), allowed }] : []
  return [
    ...requireSome(
      settings.databaseUrl,
      "DATABASE_URL",
      instead(Definitions.DATABASE_URL.allowed, "the embedded database")
    ),
    ...(settings.sandbox
      ? [missing("FLUTTERWAVE_SECRET_KEY", instead("a key", "sandbox rates"))]
      : settings.priceSandbox
        ? [missing("PRICE_PROVIDERS", instead("coingecko, massive or off", "sandbox prices"))]
        : []),
    ...rejectSandbox(selections.exchange, "EXCHANGE", instead("alpaca or off", "the sandbox exchange")),
    ...rejectSandbox(selections.funding, "FUNDING", instead("manual", "sandbox money"))
  ]
}

const replica = ({ databaseReadUrl, databaseUrl }: SettingValues): Unmet =>
  Option.isSome(databaseReadUrl)
    ? requireSome(databaseUrl, "DATABASE_URL", "the URL of the primary, because DATABASE_READ_URL is set")
    : []

/** Without PROVIDERS, a setting of a real provider must not lead to generated rates. */
const generatedRates = (selections: Selections, settings: SettingValues): Unmet => {
  if (!settings.sandbox || Option.isSome(selections.providers)) return []
  const configured = [
    ...(Option.isSome(settings.fxApiKey) ? [["fixer", "FX_API_KEY"] as const] : []),
    ...(Option.isSome(settings.openExchangeRatesAppId)
      ? [["openexchangerates", "OPENEXCHANGERATES_APP_ID"] as const]
      : [])
  ]
  const names = configured.map(([provider]) => provider).join(",")
  const because =
    configured.map(([, name]) => name).join(" and ") + (configured.length > 1 ? " are set" : " is set")
  return [
    ...(settings.flutterwaveBaseUrl === Definitions.FLUTTERWAVE_BASE_URL.defaultValue
      ? []
      : [
          missing(
            "FLUTTERWAVE_SECRET_KEY",
            "a key, because FLUTTERWAVE_BASE_URL is set; or PROVIDERS=sandbox for generated rates"
          )
        ]),
    ...(configured.length === 0
      ? []
      : [
          missing(
            "PROVIDERS",
            `${names}, because ${because} without FLUTTERWAVE_SECRET_KEY; or sandbox for generated rates`
          )
        ])
  ]
}

/** Providers need their credentials. */
const credentials = ({ priceProviders, providers, ...settings }: SettingValues): Unmet => {
  const needs: ReadonlyArray<readonly [Definitions.ProviderName, string, Option.Option<unknown>]> = [
    ["flutterwave-v4", "FLUTTERWAVE_CLIENT_ID", settings.flutterwaveClientId],
    ["flutterwave-v4", "FLUTTERWAVE_CLIENT_SECRET", settings.flutterwaveClientSecret],
    ["fixer", "FX_API_KEY", settings.fxApiKey],
    ["openexchangerates", "OPENEXCHANGERATES_APP_ID", settings.openExchangeRatesAppId]
  ]
  return [
    ...needs.flatMap(([provider, name, value]) =>
      providers.includes(provider)
        ? requireSome(value, name, `a value, because PROVIDERS includes ${provider}`)
        : []
    ),
    ...(priceProviders.includes("massive")
      ? requireSome(
          settings.massiveApiKey,
          "MASSIVE_API_KEY",
          "a value, because PRICE_PROVIDERS includes massive"
        )
      : [])
  ]
}

/** An exchange needs its credentials, and real prices. */
const exchange = (selections: Selections, settings: SettingValues): Unmet => {
  if (settings.exchange !== "alpaca") return []
  const because = Option.isSome(selections.exchange)
    ? "EXCHANGE is alpaca"
    : `${Option.isSome(settings.alpacaKeyId) ? "ALPACA_KEY_ID" : "ALPACA_SECRET_KEY"} is set`
  return [
    ...requireSome(settings.alpacaKeyId, "ALPACA_KEY_ID", `a value, because ${because}`),
    ...requireSome(settings.alpacaSecretKey, "ALPACA_SECRET_KEY", `a value, because ${because}`),
    ...(settings.priceSandbox
      ? [
          missing(
            "PRICE_PROVIDERS",
            `coingecko, massive or off, because ${because}; orders at an exchange are never priced by the sandbox`
          )
        ]
      : [])
  ]
}

const sandboxMix = ({ flutterwaveSecretKey, providers, sandbox }: SettingValues): Unmet =>
  providers.includes("flutterwave") && !sandbox
    ? requireSome(
        flutterwaveSecretKey,
        "FLUTTERWAVE_SECRET_KEY",
        "a key, because PROVIDERS includes flutterwave; sandbox rates are never mixed with real ones"
      )
    : []

const currencies = (selections: Selections, { homeCurrency, pairs }: SettingValues): Unmet => [
  ...(pairs.all.length === 0
    ? [
        {
          name: "RATE_DESTINATIONS",
          found: "no supported pair",
          allowed: "at least one currency that differs from a currency in RATE_SOURCES"
        }
      ]
    : []),
  ...(Option.isSome(selections.homeCurrency) &&
  !pairs.sources.includes(homeCurrency) &&
  !pairs.destinations.includes(homeCurrency)
    ? [
        {
          name: Definitions.HOME_CURRENCY.name,
          found: JSON.stringify(homeCurrency),
          allowed: Definitions.HOME_CURRENCY.allowed
        }
      ]
    : [])
]
