import { BigDecimal, Duration, Option, Redacted, Result, Schema } from "effect"
import { IpNetwork, NetAddress } from "effect/net"
import * as Currency from "../domain/money/Currency.ts"
import * as AssetPair from "../domain/money/AssetPair.ts"
import * as Decimal from "../domain/money/Decimal.ts"
import * as DurationText from "../domain/DurationText.ts"
import * as RateLimit from "../domain/access/RateLimit.ts"

/** Parsers of setting values. Each returns none for invalid text. */

export const wholeNumber = (minimum: number, maximum: number) => (text: string) =>
  /^\d{1,6}$/.test(text)
    ? Option.filter(Option.some(Number(text)), (n) => n >= minimum && n <= maximum)
    : Option.none()

type DurationInput = `${number} ${string}` & Duration.Input

export const duration = (minimum: DurationInput, maximum: DurationInput) => {
  const range = { minimum: Duration.fromInputUnsafe(minimum), maximum: Duration.fromInputUnsafe(maximum) }
  return {
    allowed: `${DurationText.ALLOWED}, from ${minimum} to ${maximum}`,
    parse: (text: string) => Option.filter(DurationText.parse(text), Duration.between(range))
  }
}

export const url =
  (...protocols: ReadonlyArray<string>) =>
  (text: string) =>
    // `URL` tolerates whitespace, but the drivers that receive the text do not.
    !/\s/.test(text) && URL.canParse(text) && protocols.includes(new URL(text).protocol)
      ? Option.some(text)
      : Option.none()

export const oneOf = <const A extends string>(...values: ReadonlyArray<A>) => ({
  allowed: values.join(", "),
  parse: (text: string) => Option.fromUndefinedOr(values.find((value) => value === text.toLowerCase()))
})

export const flag = {
  defaultValue: false,
  defaultText: "false",
  allowed: "true or false",
  parse: (text: string) => Option.map(oneOf("true", "false").parse(text), (value) => value === "true")
}

/** Makes a setting optional: none by default. */
export const optional = <A>(parse: (text: string) => Option.Option<A>) => ({
  defaultValue: Option.none<A>(),
  parse: (text: string) => Option.map(parse(text), Option.some)
})

/** Makes a secret setting, which is none by default. Its value is redacted. */
export const optionalSecret = (parse: (text: string) => Option.Option<string>) => ({
  isSecret: true,
  ...optional((text) => Option.map(parse(text), (value) => Redacted.make(value)))
})

/** Also accepts `off`, which returns none as the value. */
export const orOff =
  <A>(parse: (text: string) => Option.Option<A>) =>
  (text: string): Option.Option<Option.Option<A>> =>
    text.toLowerCase() === "off" ? Option.some(Option.none()) : Option.map(parse(text), Option.some)

export const durationOrOff = (minimum: DurationInput, maximum: DurationInput) => {
  const { allowed, parse } = duration(minimum, maximum)
  return { allowed: `${allowed}, or off`, parse: orOff(parse) }
}

export const optionalDuration = (minimum: DurationInput, maximum: DurationInput) => {
  const { allowed, parse } = duration(minimum, maximum)
  return { allowed, ...optional(parse) }
}

/** Parses a rate limit such as `6000/minute`, or `off`. */
export const quotaOrOff = (defaultText: string) => ({
  defaultValue: RateLimit.parse(defaultText),
  allowed: `${RateLimit.ALLOWED}, or off`,
  parse: orOff(RateLimit.parse)
})

/** Parses a base URL, to which paths are appended. Rejects a query or fragment, which would swallow them. */
export const baseUrl = (defaultUrl: string) => ({
  defaultText: defaultUrl,
  defaultValue: defaultUrl,
  allowed: "http://… or https://…, without a query or fragment",
  parse: (text: string) =>
    /[?#]/.test(text)
      ? Option.none()
      : Option.map(url("http:", "https:")(text), (base) => base.replace(/\/+$/, ""))
})

/** Parses a credential that is sent in a header, query or form. */
export const key = optionalSecret(Option.liftPredicate((text: string) => /^[\x21-\x7e]+$/.test(text)))

/** A setting with a {@link key} that has no default. */
export const credential = {
  defaultText: "none",
  allowed: "printable ASCII without spaces",
  ...key
}

/** Parses a comma-separated list. */
export const listOf =
  <A>(parse: (text: string) => Option.Option<A>) =>
  (text: string): Option.Option<ReadonlyArray<A>> =>
    Option.all(text.split(",").map((entry) => parse(entry.trim())))

export const currencies = (defaultText: string) => ({
  defaultText,
  defaultValue: defaultText.split(",").map((code) => Currency.CurrencyCode.make(code)),
  allowed: "a comma-separated list of ISO 4217 codes",
  parse: (text: string) =>
    Option.map(listOf(Currency.find)(text), (found) => Array.from(new Set(found.map(({ code }) => code))))
})

const MARGIN_DECIMALS = 12
export const margin = (text: string) =>
  Option.filter(Decimal.parse(text, MARGIN_DECIMALS), BigDecimal.isLessThan(BigDecimal.make(1n, 0)))

/** Parses a percentage such as `20%`, or the equivalent fraction 0.2. */
export const percentage = {
  allowed: "a percentage such as 20%, or a fraction such as 0.2, from 0.1% to 1000%",
  parse: (text: string) =>
    Option.filter(
      text.endsWith("%")
        ? Option.map(Decimal.parse(text.slice(0, -1), 4), (percent) =>
            BigDecimal.multiply(percent, BigDecimal.make(1n, 2))
          )
        : Decimal.parse(text, 6),
      BigDecimal.between({ minimum: BigDecimal.make(1n, 3), maximum: BigDecimal.make(10n, 0) })
    )
}

/** Parses the margin of a pair, such as `USD:NGN=0.01`. */
export const pairMargin = (entry: string) => {
  const [pair = "", value = "", ...rest] = entry.split("=")
  if (rest.length > 0) return Option.none()
  return Option.map(
    Option.all([AssetPair.parseCurrencies(pair), margin(value)]),
    ([{ key }, exact]) => [key, exact] as const
  )
}

export const origin = (text: string) =>
  Option.filter(url("http:", "https:")(text), (origin) => new URL(origin).origin === origin)

/** Parses a network such as `10.0.0.0/8`, or a single address. */
export const network = (text: string) =>
  Result.getSuccess(
    text.includes("/")
      ? IpNetwork.fromString(text)
      : Result.map(NetAddress.ipFromString(text), (address) =>
          IpNetwork.makeUnsafe(address, NetAddress.width(address))
        )
  )

const LogLevelName = Schema.Literals(["Trace", "Debug", "Info", "Warn", "Error", "Fatal", "None"])
export const logLevel = (text: string) =>
  Schema.decodeUnknownOption(LogLevelName)(text.charAt(0).toUpperCase() + text.slice(1).toLowerCase())
