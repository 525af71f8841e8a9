/** How an axis is divided. */
export type Scale = "linear" | "log"

export interface Axis {
  /** What it counts, with its unit. */
  readonly label: string
  readonly scale: Scale
}

/** An axis with its marks, from 0 to 1 along its length. */
export interface Divided {
  readonly ticks: ReadonlyArray<number>
  readonly at: (value: number) => number
}

/** An axis through values. A logarithmic one with few different values is marked at these. */
export const divide = (scale: Scale, values: ReadonlyArray<number>): Divided =>
  scale === "linear" ? linear(Math.max(...values)) : logarithmic(values)

const STEPS = [1, 2, 2.5, 5, 10]

/** From zero, in about five steps. */
const linear = (max: number): Divided => {
  const rough = max / 5
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = power * (STEPS.find((step) => step * power >= rough) ?? 10)
  const count = Math.ceil(max / step)
  return {
    ticks: Array.from({ length: count + 1 }, (_, n) => n * step),
    at: (value) => value / (count * step)
  }
}

const FEW = 6

const logarithmic = (values: ReadonlyArray<number>): Divided => {
  const distinct = Array.from(new Set(values)).toSorted((a, b) => a - b)
  const ticks = distinct.length <= FEW ? distinct : stepsAround(Math.min(...values), Math.max(...values))
  const [low, high] = [Math.log(ticks[0] ?? 1), Math.log(ticks.at(-1) ?? 10)]
  return { ticks, at: (value) => (Math.log(value) - low) / (high - low) }
}

/** 1, 2 and 5 of each power of ten that is between two values, and the ones around them; of many powers only they. */
const stepsAround = (min: number, max: number): ReadonlyArray<number> => {
  const first = Math.floor(Math.log10(min))
  const powers = Array.from({ length: Math.ceil(Math.log10(max)) - first + 1 }, (_, n) => 10 ** (first + n))
  const steps = powers.flatMap((power) => [power, 2 * power, 5 * power])
  const below = steps.findLast((step) => step <= min) ?? min
  const above = steps.find((step) => step >= max) ?? max
  const between = steps.filter((step) => step >= below && step <= above)
  return between.length <= 10 ? between : powers
}

/** A number of an axis as one would write it. */
export const format = (value: number): string =>
  value >= 1_000
    ? Math.round(value).toLocaleString("en").replaceAll(",", " ")
    : String(Number(value.toPrecision(3)))
