import { BigDecimal, Effect, Option, Schema, SchemaIssue, SchemaTransformation } from "effect"

/** Maximum digits before the decimal point of an amount or a rate. */
export const MAX_INTEGER_DIGITS = 18

/** Maximum decimals of a rate. Amounts are limited to their currency's minor unit. */
export const MAX_RATE_DECIMALS = 30

// Digits, decimal point, and an exponent such as `e-05`.
const MAX_JSON_NUMBER_LENGTH = MAX_INTEGER_DIGITS + 1 + MAX_RATE_DECIMALS + 4

/**
 * Significant digits of a quotient that does not terminate. Providers compute in doubles, which are reliable to 15
 * digits; the digits after those are noise.
 */
export const QUOTIENT_DIGITS = 15

/**
 * Parses untrusted decimal text: plain digits only, with the length checked before any arithmetic.
 *
 * `BigDecimal.fromString` accepts `1e999999999`, on which the next sum or rounding never terminates, and parses "" as
 * 0. Returns none for signs, exponents, leading zeros, blanks, NaN, more than 18 integer digits, and more than
 * `maxDecimals` decimals.
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
 * Parses a JSON number or string from a provider. Accepts a two-digit exponent, because JSON may encode a small number
 * as `6.5e-05`. The other limits of {@link parse} apply.
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

/** Formats as plain digits, without an exponent or trailing zeros: `1534.5`, `0.000694`. */
export const format = ({ scale, value }: BigDecimal.BigDecimal): string => {
  if (value < 0n) return `-${format(BigDecimal.make(-value, scale))}`
  const digits = value.toString()
  if (scale <= 0) return value === 0n ? digits : digits + "0".repeat(-scale)
  const padded = digits.padStart(scale + 1, "0")
  return trimZeros(`${padded.slice(0, -scale)}.${padded.slice(-scale)}`)
}

/** Formats with exactly `decimals` decimals. The value must not have more. */
export const formatFixed = (value: BigDecimal.BigDecimal, decimals: number): string =>
  padDecimals(format(value), decimals)

/** Removes trailing zeros after the decimal point: `1.50` becomes `1.5`, the form that {@link format} returns. */
const trimZeros = (digits: string): string => {
  if (!digits.includes(".")) return digits
  let end = digits.length
  while (digits[end - 1] === "0") end--
  return digits.slice(0, digits[end - 1] === "." ? end - 1 : end)
}

/** Appends zeros up to `decimals` decimals: `1.5` becomes `1.50`, the form that {@link formatFixed} returns. */
export const padDecimals = (digits: string, decimals: number): string => {
  const point = digits.indexOf(".")
  if (point === -1) return decimals === 0 ? digits : `${digits}.${"0".repeat(decimals)}`
  return digits.padEnd(point + 1 + decimals, "0")
}

/**
 * Divides two positive decimals. The quotient is exact if it terminates within `digits` significant digits, and rounded
 * half-even to that many otherwise.
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
  // A sticky digit distinguishes an exact half from slightly more than half.
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
  description: "A positive decimal in plain digits"
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
  message: `Expected plain decimal digits, at most ${MAX_INTEGER_DIGITS} before the decimal point and ${MAX_RATE_DECIMALS} after it`
})

/** Decimal text computed by the database. Its inputs were validated, so only a generous length limit applies. */
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
