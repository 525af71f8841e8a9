import type { Spread } from "./Statistics.ts"
import type { Chart } from "./plots/Chart.ts"

/** Target of a result. */
export type Target = { readonly atLeast: number } | { readonly atMost: number }

/** A headline result, with a target or without one. */
export interface Row {
  readonly workload: string
  readonly measure: string
  readonly result: Spread
  /** Unit of the result. Without one it is a ratio. */
  readonly unit?: string
  readonly target?: Target
}

/** One quantity of one server under one workload. */
export interface Figure {
  readonly workload: string
  readonly server: string
  readonly quantity: string
  readonly result: Spread
  readonly unit: string
}

/** Results of one measure. */
export interface Report {
  readonly rows: ReadonlyArray<Row>
  readonly figures: ReadonlyArray<Figure>
  readonly charts?: ReadonlyArray<Chart>
  /** Explanations of the method for the reader. */
  readonly notes?: ReadonlyArray<string>
}

/** Returns true if the median reaches the target. */
export const isReached = ({ median }: Spread, target: Target): boolean =>
  "atLeast" in target ? median >= target.atLeast : median <= target.atMost
