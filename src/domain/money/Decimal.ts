import { BigDecimal, Effect, Option, Schema, SchemaIssue, SchemaTransformation } from "effect"

/** The most digits that stand before the point of an amount or a rate. */
export const MAX_INTEGER_DIGITS = 18

/** The most digits that stand after the point of a rate. Amounts have their currency's minor unit. */
export const MAX_RATE_DECIMALS = 30

// Digits, the point, and an exponent such as `e-05`.
const MAX_JSON_NUMBER_LENGTH = MAX_INTEGER_DIGITS + 1 + MAX_RATE_DECIMALS + 4

/**
 * How many significant digits a quotient keeps, where it has no exact end. Providers compute in doubles, which hold 15
 * digits for certain: what stands behind them is noise.
 */
export const QUOTIENT_DIGITS = 15

/**
 * The one door by which decimal text enters: plain digits only, bounded in length before anything is computed.
 *
 * `BigDecimal.fromString` takes `1e999999999`, whose next sum or rounding never ends, and reads "" as 0.
 * Returns none for signs, exponents, leading zeros, blanks, NaN, more than 18 integer digits, and more decimals
 * than `maxDecimals`.
 */
export const parse = (
  text: string,
  maxDecimals: number = MAX_RATE_DECIMALS
): Option.Option<BigDecimal.BigDecimal> => {
  if (text.length > MAX_INTEGER_DIGITS + 1 + maxDecimals) return Option.none()
  const match = /^(0|[1-9]\d{0,17})(?:\.(\d+))?$/.exec(text)
  if (match === null) return Option.none()
  const [, integer = "", fraction = ""] = match
  if (fraction.length > maxDecimals) return Option.none()
  return Option.some(BigDecimal.make(BigInt(integer + fraction), fraction.length))
}

/**
 * Reads a JSON number or string as a provider wrote it. JSON may write a small number as `6.5e-05`, so that a short
 * exponent is taken; all the other bounds of {@link parse} hold.
 */
export const parseJsonNumber = (text: string): Option.Option<BigDecimal.BigDecimal> => {
  if (text.length > MAX_JSON_NUMBER_LENGTH) return Option.none()
  const [mantissa = "", exponent, ...rest] = text.split(/[eE]/)
  if (rest.length > 0) return Option.none()
  if (exponent === undefined) return parse(mantissa)
  if (!/^[+-]?\d{1,2}$/.test(exponent)) return Option.none()
  return Option.flatMap(parse(mantissa), (value) =>
    parse(format(BigDecimal.make(value.value, value.scale - Number(exponent))))
  )
}

/** Plain digits, never an exponent, no trailing zeros: `1534.5`, `0.000694`. */
export const format = ({ scale, value }: BigDecimal.BigDecimal): string => {
  if (value < 0n) return `-${format(BigDecimal.make(-value, scale))}`
  const digits = value.toString()
  if (scale <= 0) return value === 0n ? digits : digits + "0".repeat(-scale)
  const padded = digits.padStart(scale + 1, "0")
  return trim(`${padded.slice(0, -scale)}.${padded.slice(-scale)}`)
}

/** Plain digits with exactly `decimals` of them after the point. The value must not have more. */
export const formatFixed = (value: BigDecimal.BigDecimal, decimals: number): string =>
  pad(format(value), decimals)

/** Plain digits without the zeros at the end of their decimals: what {@link format} writes. */
export const trim = (digits: string): string => {
  if (!digits.includes(".")) return digits
  let end = digits.length
  while (digits[end - 1] === "0") end--
  return digits.slice(0, digits[end - 1] === "." ? end - 1 : end)
}

/** Plain digits that {@link trim} left, with zeros up to so many decimals: what {@link formatFixed} writes. */
export const pad = (digits: string, decimals: number): string => {
  const point = digits.indexOf(".")
  if (point === -1) return decimals === 0 ? digits : `${digits}.${"0".repeat(decimals)}`
  return digits.padEnd(point + 1 + decimals, "0")
}

/**
 * `dividend / divisor`: exact where the quotient ends within so many significant digits, else rounded
 * half-even to that many. Both must be positive.
 */
export const quotient = (
  dividend: BigDecimal.BigDecimal,
  divisor: BigDecimal.BigDecimal,
  digits: number = QUOTIENT_DIGITS
): BigDecimal.BigDecimal => {
  const a = BigDecimal.normalize(dividend)
  const b = BigDecimal.normalize(divisor)
  const shift = Math.max(0, digits + 1 + digitsOf(b.value) - digitsOf(a.value))
  const scaled = a.value * 10n ** BigInt(shift)
  const whole = scaled / b.value
  // A sticky last digit keeps "exactly half" and "a little more than half" apart.
  const sticky = whole * 10n + (scaled % b.value === 0n ? 0n : 1n)
  return roundSignificant(BigDecimal.make(sticky, a.scale - b.scale + shift + 1), digits)
}

const digitsOf = (value: bigint): number => value.toString().length

const roundSignificant = (value: BigDecimal.BigDecimal, digits: number): BigDecimal.BigDecimal => {
  const excess = digitsOf(value.value) - digits
  return BigDecimal.normalize(
    excess <= 0 ? value : BigDecimal.round(value, { scale: value.scale - excess, mode: "half-even" })
  )
}

/** A positive decimal: plain decimal text on the wire, an exact `BigDecimal` in code. */
export const PositiveDecimal = Schema.String.annotate({
  description: "A positive decimal, as plain digits"
}).pipe(
  Schema.decodeTo(
    Schema.BigDecimal.check(Schema.isGreaterThanBigDecimal(BigDecimal.make(0n, 0))),
    SchemaTransformation.transformEffect({
      decode: (text) => Effect.mapError(Effect.fromOption(parse(text)), () => notPlainDigits),
      encode: (value) => Effect.succeed(format(value))
    })
  )
)

const notPlainDigits = new SchemaIssue.InvalidValue({
  message: `Expected plain decimal digits, at most ${MAX_INTEGER_DIGITS} before the point and ${MAX_RATE_DECIMALS} after it`
})

/** Digits that a database computed exactly, of any length: they have passed the guard when they came in. */
export const ExactDecimal = Schema.String.check(Schema.isPattern(/^\d{1,60}(\.\d{1,120})?$/)).pipe(
  Schema.decodeTo(
    Schema.BigDecimal,
    SchemaTransformation.transform({ decode: (text) => fromDigits(text), encode: format })
  )
)

const fromDigits = (text: string) => {
  const [integer = "", fraction = ""] = text.split(".")
  return BigDecimal.make(BigInt(integer + fraction), fraction.length)
}
