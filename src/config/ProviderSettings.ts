import { BigDecimal, Option } from "effect"
import * as Arr from "effect/Array"
import * as Decimal from "../domain/money/Decimal.ts"
import { define } from "./SettingDefinition.ts"
import { baseUrl, key, listOf, oneOf, optional } from "./SettingParsers.ts"

/** Where rates come from, and what lets us in there. */

/** What lets us in at a provider; it travels in a header, a query or a form. */
const credential = (name: string, meaning: string) =>
  define({ name, shown: "none", meaning, allowed: "a value without blanks", secret: true, ...key })

const address = (name: string, meaning: string, shown: string) => define({ name, meaning, ...baseUrl(shown) })

/** Every provider that there is. */
const provider = oneOf("flutterwave", "flutterwave-v4", "fixer", "openexchangerates", "frankfurter")
export type ProviderName = Option.Option.Value<ReturnType<typeof provider.parse>>

export const PROVIDERS = define({
  name: "PROVIDERS",
  shown: "flutterwave; flutterwave-v4 where only its FLUTTERWAVE_CLIENT_ID is set",
  meaning: "where rates come from: the first, and who stands in for it, in order",
  allowed: `each of ${provider.allowed} at most once, separated by commas`,
  ...optional((text) =>
    listOf(provider.parse)(text).pipe(
      Option.filter((names) => new Set(names).size === names.length),
      Option.filter(Arr.isReadonlyArrayNonEmpty)
    )
  )
})

export const FLUTTERWAVE_SECRET_KEY = define({
  name: "FLUTTERWAVE_SECRET_KEY",
  shown: "none: the built-in sandbox answers, with made-up rates",
  meaning: "the secret key of the Flutterwave account",
  allowed: "a key without blanks",
  secret: true,
  ...key
})

export const FLUTTERWAVE_BASE_URL = define({
  ...baseUrl("https://api.flutterwave.com"),
  name: "FLUTTERWAVE_BASE_URL",
  meaning: "where Flutterwave answers",
  // Flutterwave's own words have the `/v3` there already that is appended to it.
  parse: (text) =>
    Option.map(baseUrl("").parse(text), (base) => base.replace(/\/v3$/, "").replace(/\/+$/, ""))
})

export const FLUTTERWAVE_CLIENT_ID = credential(
  "FLUTTERWAVE_CLIENT_ID",
  "the client id of the Flutterwave account, for `flutterwave-v4`"
)

export const FLUTTERWAVE_CLIENT_SECRET = credential(
  "FLUTTERWAVE_CLIENT_SECRET",
  "the secret that goes with the client id"
)

export const FLUTTERWAVE_V4_BASE_URL = address(
  "FLUTTERWAVE_V4_BASE_URL",
  "where Flutterwave's v4 answers",
  "https://f4bexperience.flutterwave.com"
)

export const FLUTTERWAVE_TOKEN_URL = address(
  "FLUTTERWAVE_TOKEN_URL",
  "where Flutterwave gives tokens for its v4",
  "https://idp.flutterwave.com/realms/flutterwave/protocol/openid-connect/token"
)

export const FLUTTERWAVE_AMOUNT = define({
  name: "FLUTTERWAVE_AMOUNT",
  fallback: BigDecimal.make(1_000_000n, 0),
  shown: "1000000",
  meaning: "the destination amount to ask a rate for; the larger, the more digits the rate has",
  allowed: "a positive whole number of at most 12 digits",
  parse: (text) =>
    text.length <= 12 ? Option.filter(Decimal.parse(text, 0), BigDecimal.isPositive) : Option.none()
})

export const FX_API_KEY = credential("FX_API_KEY", "the access key of Fixer")

export const FIXER_BASE_URL = address("FIXER_BASE_URL", "where Fixer answers", "https://data.fixer.io/api")

export const OPENEXCHANGERATES_APP_ID = credential(
  "OPENEXCHANGERATES_APP_ID",
  "the app id of Open Exchange Rates"
)

export const OPENEXCHANGERATES_BASE_URL = address(
  "OPENEXCHANGERATES_BASE_URL",
  "where Open Exchange Rates answers",
  "https://openexchangerates.org/api"
)

export const FRANKFURTER_BASE_URL = address(
  "FRANKFURTER_BASE_URL",
  "where Frankfurter answers; it needs no key",
  "https://api.frankfurter.dev/v2"
)
