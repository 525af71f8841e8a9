/** An exact decimal: `digits / 10 ** scale`. Amounts and rates never become a `number`. */
export interface Decimal {
  readonly digits: bigint
  readonly scale: number
}

/** Way in which a decimal loses digits. `half` rounds half away from zero. */
export type Rounding = "down" | "half" | "up"

export const make = (digits: bigint, scale = 0): Decimal => ({ digits, scale })

const ONE = make(1n)

/** Parses plain decimal text: `-1234.5600`. Undefined for anything else. */
export const parse = (text: string): Decimal | undefined => {
  const [, sign, whole = "", fraction = ""] = /^(-?)(\d*)(?:\.(\d*))?$/.exec(text) ?? []
  if (sign === undefined || (whole === "" && fraction === "") || text.length > 60) return undefined
  const digits = BigInt(whole + fraction)
  return { digits: sign === "-" ? -digits : digits, scale: fraction.length }
}

/** Parses text that the server sent. */
export const of = (text: string): Decimal => {
  const parsed = parse(text)
  if (parsed === undefined) throw new Error(`${text} is not a decimal`)
  return parsed
}

const power = (exponent: number) => 10n ** BigInt(exponent)

const scaleUp = ({ digits, scale }: Decimal, to: number) => digits * power(to - scale)

export const multiply = (left: Decimal, right: Decimal): Decimal =>
  make(left.digits * right.digits, left.scale + right.scale)

export const subtract = (left: Decimal, right: Decimal): Decimal => {
  const scale = Math.max(left.scale, right.scale)
  return make(scaleUp(left, scale) - scaleUp(right, scale), scale)
}

export const add = (left: Decimal, right: Decimal): Decimal => {
  const scale = Math.max(left.scale, right.scale)
  return make(scaleUp(left, scale) + scaleUp(right, scale), scale)
}

/** Returns the sign of `left - right`. */
export const compare = (left: Decimal, right: Decimal): number => {
  const { digits } = subtract(left, right)
  return digits > 0n ? 1 : digits < 0n ? -1 : 0
}

export const isPositive = ({ digits }: Decimal): boolean => digits > 0n

const quotient = (dividend: bigint, divisor: bigint, rounding: Rounding): bigint => {
  const isNegative = dividend < 0n !== divisor < 0n
  const [top, bottom] = [dividend < 0n ? -dividend : dividend, divisor < 0n ? -divisor : divisor]
  const added = rounding === "half" ? bottom / 2n : rounding === "up" ? bottom - 1n : 0n
  const result = (top + added) / bottom
  return isNegative ? -result : result
}

/** Rounds to a number of decimals, away from zero with `up` and towards it with `down`. */
export const round = (value: Decimal, scale: number, rounding: Rounding): Decimal =>
  value.scale <= scale
    ? make(scaleUp(value, scale), scale)
    : make(quotient(value.digits, power(value.scale - scale), rounding), scale)

/** Divides, rounded to a number of decimals. `right` is not zero. */
export const divide = (left: Decimal, right: Decimal, scale: number, rounding: Rounding): Decimal =>
  make(quotient(left.digits * power(scale + right.scale), right.digits * power(left.scale), rounding), scale)

/** Returns plain text with all decimals of the scale. */
export const toText = ({ digits, scale }: Decimal): string => {
  const text = String(digits < 0n ? -digits : digits).padStart(scale + 1, "0")
  const whole = text.slice(0, text.length - scale)
  return `${digits < 0n ? "-" : ""}${whole}${scale === 0 ? "" : `.${text.slice(-scale)}`}`
}

/** Removes zeros at the end, but keeps a number of decimals. */
export const trim = (value: Decimal, minimumScale = 0): Decimal => {
  let { digits, scale } = value
  while (scale > minimumScale && digits % 10n === 0n) [digits, scale] = [digits / 10n, scale - 1]
  return make(digits, scale)
}

/** Returns `value × (1 − margin)`. */
export const lessMargin = (value: Decimal, margin: Decimal): Decimal => multiply(value, subtract(ONE, margin))

/** Approximates a decimal for the geometry of a chart, which is the only use of a `number`. */
export const toChartNumber = (text: string): number => Number(text)
