/** What several rounds came to. */
export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

/** The middle of some numbers, or the mean of the two in the middle; `NaN` of none. */
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

/** What several subjects came to, each in every round. */
export type Rounds<Name extends string, A> = ReadonlyArray<Readonly<Record<Name, A>>>

/** The spread of a value of one subject. */
export const spreadIn = <Name extends string, A>(
  rounds: Rounds<Name, A>,
  name: Name,
  value: (result: A) => number
): Spread => spreadOf(rounds.map((round) => value(round[name])))

/** The spread of the ratios of one subject to another within each round, in which both met the same conditions. */
export const ratioIn = <Name extends string, A>(
  rounds: Rounds<Name, A>,
  of: Name,
  to: Name,
  value: (result: A) => number
): Spread => spreadOf(rounds.map((round) => value(round[of]) / value(round[to])))
