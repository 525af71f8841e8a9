/** Type of the scale of an axis. */
export type ScaleType = "linear" | "log"

export interface Axis {
  /** Quantity and unit. */
  readonly label: string
  readonly scale: ScaleType
}

/** Maps values to positions from 0 to 1 along an axis. */
export interface Scale {
  readonly ticks: ReadonlyArray<number>
  readonly position: (value: number) => number
}

/** Creates a scale that contains all values. A logarithmic scale of few distinct values has its ticks at these. */
export const makeScale = (type: ScaleType, values: ReadonlyArray<number>): Scale =>
  type === "linear" ? linear(Math.max(...values)) : logarithmic(values)

const STEPS = [1, 2, 2.5, 5, 10]

/** Starts at zero and has about five steps. */
const linear = (max: number): Scale => {
  const rough = max / 5
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = power * (STEPS.find((step) => step * power >= rough) ?? 10)
  const count = Math.ceil(max / step)
  return {
    ticks: Array.from({ length: count + 1 }, (_, n) => n * step),
    position: (value) => value / (count * step)
  }
}

const MAX_DISTINCT_TICKS = 6

const logarithmic = (values: ReadonlyArray<number>): Scale => {
  const distinct = Array.from(new Set(values)).toSorted((a, b) => a - b)
  const ticks =
    distinct.length <= MAX_DISTINCT_TICKS ? distinct : stepsAround(Math.min(...values), Math.max(...values))
  const [low, high] = [Math.log(ticks[0] ?? 1), Math.log(ticks.at(-1) ?? 10)]
  return { ticks, position: (value) => (Math.log(value) - low) / (high - low) }
}

/** Returns ticks at 1, 2 and 5 times the powers of ten that enclose two values; only the powers if those are too many. */
const stepsAround = (min: number, max: number): ReadonlyArray<number> => {
  const first = Math.floor(Math.log10(min))
  const powers = Array.from({ length: Math.ceil(Math.log10(max)) - first + 1 }, (_, n) => 10 ** (first + n))
  const steps = powers.flatMap((power) => [power, 2 * power, 5 * power])
  const below = steps.findLast((step) => step <= min) ?? min
  const above = steps.find((step) => step >= max) ?? max
  const between = steps.filter((step) => step >= below && step <= above)
  return between.length <= 10 ? between : powers
}

/** Formats the label of a tick. */
export const format = (value: number): string =>
  value >= 1_000
    ? Math.round(value).toLocaleString("en").replaceAll(",", " ")
    : String(Number(value.toPrecision(3)))
