/** Median and range of several rounds. */
export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

/** Returns the median; `NaN` for an empty list. */
export const median = (values: ReadonlyArray<number>): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  const below = sorted[Math.ceil(middle) - 1] ?? Number.NaN
  const above = sorted[Math.floor(middle)] ?? Number.NaN
  return (below + above) / 2
}

export const spreadOf = (values: ReadonlyArray<number>): Spread => ({
  median: median(values),
  min: Math.min(...values),
  max: Math.max(...values)
})

/** Results of several subjects, one per round. */
export type Rounds<Name extends string, A> = ReadonlyArray<Readonly<Record<Name, A>>>

/** Returns the spread of a value of one subject. */
export const spreadIn = <Name extends string, A>(
  rounds: Rounds<Name, A>,
  name: Name,
  value: (result: A) => number
): Spread => spreadOf(rounds.map((round) => value(round[name])))

/**
 * Returns the spread of the ratios of two subjects. Ratios are computed within each round, in which both subjects had the
 * same conditions.
 */
export const ratioIn = <Name extends string, A>(
  rounds: Rounds<Name, A>,
  of: Name,
  to: Name,
  value: (result: A) => number
): Spread => spreadOf(rounds.map((round) => value(round[of]) / value(round[to])))
