import { BigDecimal, Duration, Option, Result, Schema } from "effect"
import { IpNetwork, NetAddress } from "effect/net"
import * as Currency from "../domain/money/Currency.ts"
import * as Decimal from "../domain/money/Decimal.ts"
import * as DurationText from "../domain/DurationText.ts"
import * as RateLimit from "../domain/access/RateLimit.ts"

/** How the texts of settings are read: each gives none for what it does not take. */

export const wholeNumber = (minimum: number, maximum: number) => (text: string) =>
  /^\d{1,6}$/.test(text)
    ? Option.filter(Option.some(Number(text)), (n) => n >= minimum && n <= maximum)
    : Option.none()

type DurationInput = `${number} ${string}` & Duration.Input

export const duration = (shortest: DurationInput, longest: DurationInput) => {
  const range = { minimum: Duration.fromInputUnsafe(shortest), maximum: Duration.fromInputUnsafe(longest) }
  return {
    allowed: `${DurationText.ALLOWED}, from ${shortest} to ${longest}`,
    parse: (text: string) => Option.filter(DurationText.parse(text), Duration.between(range))
  }
}

export const url =
  (...protocols: ReadonlyArray<string>) =>
  (text: string) =>
    // `URL` forgives blanks, but those who are handed the text do not.
    !/\s/.test(text) && URL.canParse(text) && protocols.includes(new URL(text).protocol)
      ? Option.some(text)
      : Option.none()

export const oneOf = <const A extends string>(...values: ReadonlyArray<A>) => ({
  allowed: values.join(", "),
  parse: (text: string) => Option.fromUndefinedOr(values.find((value) => value === text.toLowerCase()))
})

export const flag = {
  fallback: false,
  shown: "false",
  allowed: "true or false",
  parse: (text: string) => Option.map(oneOf("true", "false").parse(text), (value) => value === "true")
}

/** Has no value where nothing is set. */
export const optional = <A>(parse: (text: string) => Option.Option<A>) => ({
  fallback: Option.none<A>(),
  parse: (text: string) => Option.map(parse(text), Option.some)
})

/** `off` is no value. */
export const orOff =
  <A>(parse: (text: string) => Option.Option<A>) =>
  (text: string): Option.Option<Option.Option<A>> =>
    text.toLowerCase() === "off" ? Option.some(Option.none()) : Option.map(parse(text), Option.some)

export const durationOrOff = (shortest: DurationInput, longest: DurationInput) => {
  const { allowed, parse } = duration(shortest, longest)
  return { allowed: `${allowed}, or off`, parse: orOff(parse) }
}

export const optionalDuration = (shortest: DurationInput, longest: DurationInput) => {
  const { allowed, parse } = duration(shortest, longest)
  return { allowed, ...optional(parse) }
}

/** A quota such as `6000/minute`, or none at all. */
export const quotaOrOff = (fallback: string) => ({
  fallback: RateLimit.parse(fallback),
  allowed: `${RateLimit.ALLOWED}, or off`,
  parse: orOff(RateLimit.parse)
})

/** An address to which paths are appended: behind a query they would be lost. */
export const baseUrl = (shown: string) => ({
  shown,
  fallback: shown,
  allowed: "http://… or https://…",
  parse: (text: string) =>
    /[?#]/.test(text)
      ? Option.none()
      : Option.map(url("http:", "https:")(text), (base) => base.replace(/\/+$/, ""))
})

/** A key that travels in a header or a query. */
export const key = optional(Option.liftPredicate((text: string) => /^[\x21-\x7e]+$/.test(text)))

/** Texts that are separated by commas. */
export const listOf =
  <A>(parse: (text: string) => Option.Option<A>) =>
  (text: string): Option.Option<ReadonlyArray<A>> =>
    Option.all(text.split(",").map((entry) => parse(entry.trim())))

export const currencies = (shown: string) => ({
  shown,
  fallback: shown.split(",").map((code) => Currency.CurrencyCode.make(code)),
  allowed: "ISO 4217 codes, separated by commas",
  parse: (text: string) =>
    Option.map(listOf(Currency.find)(text), (found) => Array.from(new Set(found.map(({ code }) => code))))
})

const MARGIN_DECIMALS = 12
export const margin = (text: string) =>
  Option.filter(Decimal.parse(text, MARGIN_DECIMALS), BigDecimal.isLessThan(BigDecimal.make(1n, 0)))

/** `20%`, or the fraction 0.2. */
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

export const pairMargin = (entry: string) => {
  const [, from = "", to = "", value = ""] = /^(\w{3}):(\w{3})=(\S+)$/.exec(entry) ?? []
  const found = Option.all([Currency.find(from), Currency.find(to), margin(value)])
  return Option.map(
    found,
    ([source, destination, exact]) => [`${source.code}:${destination.code}`, exact] as const
  )
}

export const origin = (text: string) =>
  Option.filter(url("http:", "https:")(text), (origin) => new URL(origin).origin === origin)

/** A network such as `10.0.0.0/8`, or a single address. */
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
