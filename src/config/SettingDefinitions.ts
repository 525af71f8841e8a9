import { BigDecimal, Duration, type LogLevel, Option } from "effect"
import * as Arr from "effect/Array"
import * as Decimal from "../domain/Decimal.ts"
import { type Definition, define, defined } from "./SettingDefinition.ts"
import {
  baseUrl,
  currencies,
  duration,
  durationOrOff,
  flag,
  key,
  listOf,
  logLevel,
  margin,
  oneOf,
  optional,
  optionalDuration,
  origin,
  orOff,
  pairMargin,
  percentage,
  url,
  wholeNumber
} from "./SettingTexts.ts"

/** Every setting, in the order in which readers should meet them. */
export const all: ReadonlyArray<Omit<Definition<unknown>, "parse" | "fallback">> = defined

export const HOST = define({
  name: "HOST",
  fallback: "127.0.0.1",
  shown: "127.0.0.1",
  meaning: "the address to listen on",
  allowed: "an address or a host name",
  parse: (text) => (/^[\w.:-]+$/.test(text) ? Option.some(text) : Option.none())
})

export const PORT = define({
  name: "PORT",
  fallback: 8000,
  shown: "8000",
  meaning: "the port to listen on; 0 takes a free one",
  allowed: "a whole number from 0 to 65535",
  parse: wholeNumber(0, 65535)
})

export const DATABASE_URL = define({
  name: "DATABASE_URL",
  shown: "none: an embedded PostgreSQL under DATA_DIR",
  meaning: "the PostgreSQL to keep everything in",
  allowed: "postgres://user:password@host:port/database",
  secret: true,
  ...optional(url("postgres:", "postgresql:"))
})

export const DATA_DIR = define({
  name: "DATA_DIR",
  fallback: ".effex",
  shown: ".effex",
  meaning: "the folder of the embedded PostgreSQL",
  allowed: "a path",
  parse: Option.some<string>
})

export const REDIS_URL = define({
  name: "REDIS_URL",
  shown: "none: the cache lives in this process",
  meaning: "the Redis or Valkey to share the cache through",
  allowed: "redis://host:port or rediss://host:port",
  secret: true,
  ...optional(url("redis:", "rediss:"))
})

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

export const RATE_SOURCES = define({
  name: "RATE_SOURCES",
  meaning: "the currencies to convert from",
  ...currencies("USD,CAD,GBP,EUR")
})

export const RATE_DESTINATIONS = define({
  name: "RATE_DESTINATIONS",
  meaning: "the currencies to convert into",
  ...currencies("XOF,XAF,EGP,ETB,GHS,KES,MAD,NGN,ZAR,UGX,ZMW")
})

export const POLL_INTERVAL = define<Option.Option<Duration.Duration>>({
  name: "POLL_INTERVAL",
  fallback: Option.some(Duration.minutes(10)),
  shown: "10 minutes",
  meaning: "from the start of one poll to the start of the next; `off` polls only on demand",
  ...durationOrOff("1 second", "1 day")
})

export const POLL_SPACING = define({
  name: "POLL_SPACING",
  shown: "500 millis; none for the built-in sandbox",
  meaning: "from the start of one request to the provider to the start of the next",
  ...optionalDuration("0 millis", "1 minute")
})

export const POLL_CONCURRENCY = define({
  name: "POLL_CONCURRENCY",
  fallback: 4,
  shown: "4",
  meaning: "how many requests of a poll may be under way at once",
  allowed: "a whole number from 1 to 64",
  parse: wholeNumber(1, 64)
})

export const CACHE_TTL = define({
  name: "CACHE_TTL",
  shown: "twice POLL_INTERVAL; 120 seconds while polling is off",
  meaning: "how long Redis keeps a rate",
  ...optionalDuration("1 second", "30 days")
})

export const STALE_AFTER = define({
  name: "STALE_AFTER",
  fallback: Duration.minutes(10),
  shown: "10 minutes",
  meaning: "the age at which a lookup refreshes a rate, and marks it as stale where it cannot",
  ...duration("1 second", "30 days")
})

export const LOOKUP_BUDGET = define({
  name: "LOOKUP_BUDGET",
  fallback: Duration.seconds(1),
  shown: "1 second",
  meaning: "the longest that a lookup waits for the provider when it has a last known good rate",
  ...duration("1 millis", "30 seconds")
})

export const GUARD_MAX_JUMP = define({
  name: "GUARD_MAX_JUMP",
  fallback: BigDecimal.make(2n, 1),
  shown: "20%",
  meaning: "how far a rate may be from the last good one, and as much again for each day of its age",
  ...percentage
})

export const GUARD_MAX_DEVIATION = define({
  name: "GUARD_MAX_DEVIATION",
  fallback: BigDecimal.make(1n, 1),
  shown: "10%",
  meaning: "how far a rate may go away from what other pairs and another provider come to",
  ...percentage
})

export const GUARD_CROSS_CHECK = define<Option.Option<Duration.Duration>>({
  name: "GUARD_CROSS_CHECK",
  fallback: Option.some(Duration.hours(1)),
  shown: "1 hour",
  meaning: "how often another provider is asked, to compare with; `off` asks it only about what is suspect",
  ...durationOrOff("1 minute", "1 day")
})

export const GUARD_MAX_UNCHANGED = define<Option.Option<Duration.Duration>>({
  name: "GUARD_MAX_UNCHANGED",
  fallback: Option.some(Duration.days(7)),
  shown: "7 days",
  meaning: "how long a provider may repeat the same digits, unless the pair is pegged",
  ...durationOrOff("1 hour", "30 days")
})

export const GUARD_CONFIRMATIONS = define<Option.Option<number>>({
  name: "GUARD_CONFIRMATIONS",
  fallback: Option.some(3),
  shown: "3",
  meaning: "how many polls in a row must bring a level that was put aside, before it is taken",
  allowed: "off, or a whole number from 2 to 1000",
  parse: orOff(wholeNumber(2, 1000))
})

export const CONVERSION_MARGIN = define({
  name: "CONVERSION_MARGIN",
  fallback: BigDecimal.make(5n, 3),
  shown: "0.005",
  meaning: "what a conversion keeps of the mid rate, as a fraction of it",
  allowed: "a decimal from 0 to below 1, such as 0.005",
  parse: margin
})

export const CONVERSION_MARGINS = define<ReadonlyMap<string, BigDecimal.BigDecimal>>({
  name: "CONVERSION_MARGINS",
  fallback: new Map(),
  shown: "none",
  meaning: "margins of single pairs, such as `USD:NGN=0.01,EUR:KES=0.008`",
  allowed: "pairs and decimals from 0 to below 1, such as USD:NGN=0.01, separated by commas",
  parse: (text) => Option.map(listOf(pairMargin)(text), (all) => new Map(all))
})

export const CORS_ORIGINS = define<Option.Option<ReadonlyArray<string>>>({
  name: "CORS_ORIGINS",
  fallback: Option.none(),
  shown: "*",
  meaning: "the web origins that may read from a browser",
  allowed: "* or origins such as https://app.example.com, separated by commas",
  parse: (text) => (text === "*" ? Option.some(Option.none()) : Option.map(listOf(origin)(text), Option.some))
})

export const STREAMS_PER_ADDRESS = define<Option.Option<number>>({
  name: "STREAMS_PER_ADDRESS",
  fallback: Option.some(5000),
  shown: "5000",
  meaning: "how many streams (WebSocket, SSE, RPC) one address may have open on a node",
  allowed: "off, or a whole number from 1 to 999999",
  parse: orOff(wholeNumber(1, 999_999))
})

export const SHUTDOWN_DELAY = define({
  name: "SHUTDOWN_DELAY",
  fallback: Duration.zero,
  shown: "0 seconds",
  meaning: "how long a node that is told to stop still serves, while `/health/ready` sends callers elsewhere",
  ...duration("0 seconds", "5 minutes")
})

export const LOG_LEVEL = define<LogLevel.LogLevel>({
  name: "LOG_LEVEL",
  fallback: "Info",
  shown: "info",
  meaning: "the least severity that is logged",
  allowed: "trace, debug, info, warn, error, fatal, none",
  parse: logLevel
})

export const LOG_FORMAT = define<"pretty" | "json">({
  name: "LOG_FORMAT",
  fallback: process.stderr.isTTY ? "pretty" : "json",
  shown: "pretty on a terminal, json elsewhere",
  meaning: "how logs are written",
  ...oneOf("pretty", "json")
})

export const NODE_ENV = define({
  name: "NODE_ENV",
  fallback: "development",
  shown: "development",
  meaning: "`production` refuses the sandbox and the embedded database",
  allowed: "a name such as production, development or test",
  parse: Option.some<string>
})

export const ALLOW_EMBEDDED = define({
  name: "ALLOW_EMBEDDED",
  meaning: "`true` lets production run on the sandbox and the embedded database",
  ...flag
})

export const ALLOW_ANONYMOUS_CONVERT = define({
  name: "ALLOW_ANONYMOUS_CONVERT",
  meaning:
    "`true` opens conversions, quotes and the audit to everybody, with Flutterwave's real rates as well",
  ...flag
})

export const AUDIT_SIGNING_KEY = define({
  name: "AUDIT_SIGNING_KEY",
  shown: "none: one is made on the first start, under DATA_DIR",
  meaning: "the Ed25519 private key that signs the audit: the 32 bytes of its seed, in base64",
  allowed: "32 bytes in base64",
  secret: true,
  ...optional(Option.liftPredicate((text: string) => Buffer.from(text, "base64").length === 32))
})
