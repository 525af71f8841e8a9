import { BigDecimal, type Duration, Option } from "effect"
import * as Arr from "effect/Array"
import * as Decimal from "../../domain/money/Decimal.ts"
import { define } from "../SettingDefinition.ts"
import {
  baseUrl,
  credential as providerCredential,
  durationOrOff,
  key,
  listOf,
  oneOf,
  optional
} from "../SettingParsers.ts"

/** Settings for rate providers: their order, addresses and credentials. */

const credential = (name: string, description: string) => define({ name, description, ...providerCredential })

const address = (name: string, description: string, defaultUrl: string) =>
  define({ name, description, ...baseUrl(defaultUrl) })

const provider = oneOf("flutterwave", "flutterwave-v4", "fixer", "openexchangerates", "frankfurter")
export type ProviderName = Option.Option.Value<ReturnType<typeof provider.parse>>

/** Value of `PROVIDERS` that selects generated rates. */
export const SANDBOX = "sandbox"

export const PROVIDERS = define({
  name: "PROVIDERS",
  defaultText: "flutterwave or flutterwave-v4 if its key is set; sandbox if nothing of a provider is set",
  description:
    "Rate providers in failover order: the first is the primary. `sandbox` generates rates, without any provider",
  allowed: `a comma-separated list of ${provider.allowed}, each at most once; or ${SANDBOX} alone`,
  ...optional((text): Option.Option<typeof SANDBOX | Arr.NonEmptyReadonlyArray<ProviderName>> =>
    text.toLowerCase() === SANDBOX
      ? Option.some(SANDBOX)
      : listOf(provider.parse)(text).pipe(
          Option.filter((names) => new Set(names).size === names.length),
          Option.filter(Arr.isReadonlyArrayNonEmpty)
        )
  )
})

export const FLUTTERWAVE_SECRET_KEY = define({
  name: "FLUTTERWAVE_SECRET_KEY",
  defaultText: "none: the built-in sandbox serves generated rates",
  description: "Secret key of your Flutterwave account",
  allowed: "printable ASCII without spaces",
  ...key
})

export const FLUTTERWAVE_BASE_URL = define({
  ...baseUrl("https://api.flutterwave.com"),
  name: "FLUTTERWAVE_BASE_URL",
  description: "Base URL of the Flutterwave v3 API",
  // Flutterwave's documentation includes `/v3` in the base URL. The client appends it.
  parse: (text) =>
    Option.map(baseUrl("").parse(text), (base) => base.replace(/\/v3$/, "").replace(/\/+$/, ""))
})

export const FLUTTERWAVE_CLIENT_ID = credential(
  "FLUTTERWAVE_CLIENT_ID",
  "Client ID of your Flutterwave account, for `flutterwave-v4`"
)

export const FLUTTERWAVE_CLIENT_SECRET = credential(
  "FLUTTERWAVE_CLIENT_SECRET",
  "Client secret of your Flutterwave account, for `flutterwave-v4`"
)

export const FLUTTERWAVE_V4_BASE_URL = address(
  "FLUTTERWAVE_V4_BASE_URL",
  "Base URL of the Flutterwave v4 API",
  "https://f4bexperience.flutterwave.com"
)

export const FLUTTERWAVE_TOKEN_URL = address(
  "FLUTTERWAVE_TOKEN_URL",
  "OAuth token URL of the Flutterwave v4 API",
  "https://idp.flutterwave.com/realms/flutterwave/protocol/openid-connect/token"
)

export const FLUTTERWAVE_AMOUNT = define({
  name: "FLUTTERWAVE_AMOUNT",
  defaultValue: "1000000",
  defaultText: "1000000",
  description:
    "Destination amount of rate requests to Flutterwave. A larger amount returns more digits of the rate",
  allowed: "a positive whole number of at most 12 digits",
  parse: (text) =>
    text.length <= 12
      ? Option.map(Option.filter(Decimal.parse(text, 0), BigDecimal.isPositive), Decimal.format)
      : Option.none()
})

export const FX_API_KEY = credential("FX_API_KEY", "Access key of your Fixer account, for `fixer`")

export const FIXER_BASE_URL = address(
  "FIXER_BASE_URL",
  "Base URL of the Fixer API",
  "https://data.fixer.io/api"
)

export const OPENEXCHANGERATES_APP_ID = credential(
  "OPENEXCHANGERATES_APP_ID",
  "App ID of your Open Exchange Rates account, for `openexchangerates`"
)

export const OPENEXCHANGERATES_BASE_URL = address(
  "OPENEXCHANGERATES_BASE_URL",
  "Base URL of the Open Exchange Rates API",
  "https://openexchangerates.org/api"
)

export const FRANKFURTER_BASE_URL = address(
  "FRANKFURTER_BASE_URL",
  "Base URL of the Frankfurter API, which needs no key",
  "https://api.frankfurter.dev/v2"
)

const priceProvider = oneOf("coingecko", "massive")
export type PriceProviderName = Option.Option.Value<ReturnType<typeof priceProvider.parse>>

export const PRICE_PROVIDERS = define({
  name: "PRICE_PROVIDERS",
  defaultText:
    "each of coingecko and massive whose key is set; sandbox if none is and PROVIDERS is the sandbox",
  description:
    "Providers of the prices of cryptocurrencies (`coingecko`) and stocks (`massive`). `sandbox` generates prices, without any provider; `off` has none",
  allowed: `a comma-separated list of ${priceProvider.allowed}, each at most once; or ${SANDBOX} or off alone`,
  ...optional((text): Option.Option<typeof SANDBOX | ReadonlyArray<PriceProviderName>> => {
    if (text.toLowerCase() === SANDBOX) return Option.some(SANDBOX)
    if (text.toLowerCase() === "off") return Option.some([])
    return Option.filter(listOf(priceProvider.parse)(text), (names) => new Set(names).size === names.length)
  })
})

export const COINGECKO_API_KEY = credential(
  "COINGECKO_API_KEY",
  "API key of your CoinGecko account, of the demo plan or of a paid plan"
)

export const COINGECKO_BASE_URL = address(
  "COINGECKO_BASE_URL",
  "Base URL of the CoinGecko API. Keys of paid plans need `https://pro-api.coingecko.com/api/v3`",
  "https://api.coingecko.com/api/v3"
)

export const MASSIVE_API_KEY = credential(
  "MASSIVE_API_KEY",
  "API key of your Massive (formerly Polygon) account, for `massive`"
)

export const MASSIVE_BASE_URL = address(
  "MASSIVE_BASE_URL",
  "Base URL of the Massive API",
  "https://api.massive.com"
)

const pricePollInterval = durationOrOff("10 seconds", "1 day")

export const PRICE_POLL_INTERVAL = define({
  name: "PRICE_POLL_INTERVAL",
  defaultText: "1 minute; 5 minutes with CoinGecko's demo plan, which has 10 000 requests a month",
  description:
    "Time from the start of one poll of the prices of cryptocurrencies and stocks to the start of the next. `off` polls only on demand",
  allowed: pricePollInterval.allowed,
  ...optional((text: string): Option.Option<Option.Option<Duration.Duration>> =>
    pricePollInterval.parse(text)
  )
})

/** Settings of providers, by the names of their values. `ProviderSelection.ts` decides which providers are used. */
export const providerSettings = {
  flutterwaveSecretKey: FLUTTERWAVE_SECRET_KEY,
  flutterwaveBaseUrl: FLUTTERWAVE_BASE_URL,
  flutterwaveClientId: FLUTTERWAVE_CLIENT_ID,
  flutterwaveClientSecret: FLUTTERWAVE_CLIENT_SECRET,
  flutterwaveV4BaseUrl: FLUTTERWAVE_V4_BASE_URL,
  flutterwaveTokenUrl: FLUTTERWAVE_TOKEN_URL,
  /** Destination amount of rate requests, in major units, as plain decimal text. */
  flutterwaveAmount: FLUTTERWAVE_AMOUNT,
  /** Access key of Fixer. */
  fxApiKey: FX_API_KEY,
  fixerBaseUrl: FIXER_BASE_URL,
  openExchangeRatesAppId: OPENEXCHANGERATES_APP_ID,
  openExchangeRatesBaseUrl: OPENEXCHANGERATES_BASE_URL,
  frankfurterBaseUrl: FRANKFURTER_BASE_URL,
  coinGeckoApiKey: COINGECKO_API_KEY,
  coinGeckoBaseUrl: COINGECKO_BASE_URL,
  massiveApiKey: MASSIVE_API_KEY,
  massiveBaseUrl: MASSIVE_BASE_URL
}
