import { BigDecimal, Duration, Option, Schema } from "effect"
import type { LogLevel } from "effect"
import * as Currency from "../domain/Currency.ts"
import * as Decimal from "../domain/Decimal.ts"
import * as DurationText from "../domain/DurationText.ts"

/** A setting: its name, how its text is read, and what to say of it. */
export interface Definition<A> {
  readonly name: string
  /** The value where nothing is set. */
  readonly fallback: A
  /** The fallback, for readers. */
  readonly shown: string
  readonly meaning: string
  /** What {@link parse} takes, for readers. */
  readonly allowed: string
  /** The value is never shown. */
  readonly secret: boolean
  readonly parse: (text: string) => Option.Option<A>
}

const defined: Array<Definition<unknown>> = []

const define = <A>(
  definition: Omit<Definition<A>, "secret"> & { readonly secret?: boolean }
): Definition<A> => {
  const complete = { secret: false, ...definition }
  defined.push(complete)
  return complete
}

/** Every setting, in the order in which readers should meet them. */
export const all: ReadonlyArray<Omit<Definition<unknown>, "parse" | "fallback">> = defined

const wholeNumber = (minimum: number, maximum: number) => (text: string) =>
  /^\d{1,6}$/.test(text)
    ? Option.filter(Option.some(Number(text)), (n) => n >= minimum && n <= maximum)
    : Option.none()

const duration = (
  shortest: `${number} ${string}` & Duration.Input,
  longest: `${number} ${string}` & Duration.Input
) => {
  const range = { minimum: Duration.fromInputUnsafe(shortest), maximum: Duration.fromInputUnsafe(longest) }
  return {
    allowed: `${DurationText.ALLOWED}, from ${shortest} to ${longest}`,
    parse: (text: string) => Option.filter(DurationText.parse(text), Duration.between(range))
  }
}

const url =
  (...protocols: ReadonlyArray<string>) =>
  (text: string) =>
    // `URL` forgives blanks, but those who are handed the text do not.
    !/\s/.test(text) && URL.canParse(text) && protocols.includes(new URL(text).protocol)
      ? Option.some(text)
      : Option.none()

const oneOf = <const A extends string>(...values: ReadonlyArray<A>) => ({
  allowed: values.join(", "),
  parse: (text: string) => Option.fromUndefinedOr(values.find((value) => value === text.toLowerCase()))
})

const flag = {
  fallback: false,
  shown: "false",
  allowed: "true or false",
  parse: (text: string) => Option.map(oneOf("true", "false").parse(text), (value) => value === "true")
}

/** Has no value where nothing is set. */
const optional = <A>(parse: (text: string) => Option.Option<A>) => ({
  fallback: Option.none<A>(),
  parse: (text: string) => Option.map(parse(text), Option.some)
})

const currencies = (shown: string) => ({
  shown,
  fallback: shown.split(",").map((code) => Currency.CurrencyCode.make(code)),
  allowed: "ISO 4217 codes, separated by commas",
  parse: (text: string) =>
    Option.map(Option.all(text.split(",").map((code) => Currency.find(code.trim()))), (found) =>
      Array.from(new Set(found.map(({ code }) => code)))
    )
})

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

export const FLUTTERWAVE_SECRET_KEY = define({
  name: "FLUTTERWAVE_SECRET_KEY",
  shown: "none: the built-in sandbox answers, with made-up rates",
  meaning: "the secret key of the Flutterwave account",
  allowed: "a key without blanks",
  secret: true,
  ...optional(Option.liftPredicate((text: string) => /^[\x21-\x7e]+$/.test(text)))
})

export const FLUTTERWAVE_BASE_URL = define({
  name: "FLUTTERWAVE_BASE_URL",
  fallback: "https://api.flutterwave.com",
  shown: "https://api.flutterwave.com",
  meaning: "where Flutterwave answers",
  allowed: "http://… or https://…",
  // `/v3/…` is appended to it: behind a query it would be lost, and Flutterwave's own words have it there already.
  parse: (text) =>
    /[?#]/.test(text)
      ? Option.none()
      : Option.map(url("http:", "https:")(text), (base) => base.replace(/(\/v3)?\/*$/, ""))
})

export const FLUTTERWAVE_AMOUNT = define({
  name: "FLUTTERWAVE_AMOUNT",
  fallback: BigDecimal.make(1_000_000n, 0),
  shown: "1000000",
  meaning: "the destination amount to ask a rate for; the larger, the more digits the rate has",
  allowed: "a positive whole number of at most 12 digits",
  parse: (text) =>
    text.length <= 12 ? Option.filter(Decimal.parse(text, 0), BigDecimal.isPositive) : Option.none()
})

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

const pollInterval = duration("1 second", "1 day")
export const POLL_INTERVAL = define<Option.Option<Duration.Duration>>({
  name: "POLL_INTERVAL",
  fallback: Option.some(Duration.minutes(10)),
  shown: "10 minutes",
  meaning: "from the start of one poll to the start of the next; `off` polls only on demand",
  allowed: `${pollInterval.allowed}, or off`,
  parse: (text) =>
    text.toLowerCase() === "off"
      ? Option.some(Option.none())
      : Option.map(pollInterval.parse(text), Option.some)
})

const pollSpacing = duration("0 millis", "1 minute")
export const POLL_SPACING = define({
  name: "POLL_SPACING",
  shown: "500 millis; none for the built-in sandbox",
  meaning: "from the start of one request to the provider to the start of the next",
  allowed: pollSpacing.allowed,
  ...optional(pollSpacing.parse)
})

export const POLL_CONCURRENCY = define({
  name: "POLL_CONCURRENCY",
  fallback: 4,
  shown: "4",
  meaning: "how many requests of a poll may be under way at once",
  allowed: "a whole number from 1 to 64",
  parse: wholeNumber(1, 64)
})

const cacheTtl = duration("1 second", "30 days")
export const CACHE_TTL = define({
  name: "CACHE_TTL",
  shown: "twice POLL_INTERVAL; 120 seconds while polling is off",
  meaning: "how long Redis keeps a rate",
  allowed: cacheTtl.allowed,
  ...optional(cacheTtl.parse)
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

const margin = (text: string) =>
  Option.filter(Decimal.parse(text, MARGIN_DECIMALS), BigDecimal.isLessThan(BigDecimal.make(1n, 0)))
const MARGIN_DECIMALS = 12

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
  parse: (text) =>
    Option.map(Option.all(text.split(",").map((entry) => pairMargin(entry.trim()))), (all) => new Map(all))
})

const pairMargin = (entry: string) => {
  const [, from = "", to = "", value = ""] = /^(\w{3}):(\w{3})=(\S+)$/.exec(entry) ?? []
  const found = Option.all([Currency.find(from), Currency.find(to), margin(value)])
  return Option.map(
    found,
    ([source, destination, exact]) => [`${source.code}:${destination.code}`, exact] as const
  )
}

export const CORS_ORIGINS = define<Option.Option<ReadonlyArray<string>>>({
  name: "CORS_ORIGINS",
  fallback: Option.none(),
  shown: "*",
  meaning: "the web origins that may read from a browser",
  allowed: "* or origins such as https://app.example.com, separated by commas",
  parse: (text) =>
    text === "*"
      ? Option.some(Option.none())
      : Option.map(Option.all(text.split(",").map((origin) => parseOrigin(origin.trim()))), Option.some)
})

export const STREAMS_PER_ADDRESS = define<Option.Option<number>>({
  name: "STREAMS_PER_ADDRESS",
  fallback: Option.some(5000),
  shown: "5000",
  meaning: "how many streams (WebSocket, SSE, RPC) one address may have open on a node",
  allowed: "off, or a whole number from 1 to 999999",
  parse: (text) =>
    text.toLowerCase() === "off"
      ? Option.some(Option.none())
      : Option.map(wholeNumber(1, 999_999)(text), Option.some)
})

const parseOrigin = (text: string) =>
  Option.filter(url("http:", "https:")(text), (origin) => new URL(origin).origin === origin)

export const LOG_LEVEL = define<LogLevel.LogLevel>({
  name: "LOG_LEVEL",
  fallback: "Info",
  shown: "info",
  meaning: "the least severity that is logged",
  allowed: "trace, debug, info, warn, error, fatal, none",
  parse: (text) =>
    Schema.decodeUnknownOption(LogLevelName)(text.charAt(0).toUpperCase() + text.slice(1).toLowerCase())
})

const LogLevelName = Schema.Literals(["Trace", "Debug", "Info", "Warn", "Error", "Fatal", "None"])

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
