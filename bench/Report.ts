import type { Spread } from "./Statistics.ts"
import type { Chart } from "./plots/Chart.ts"

/** What a result should reach. */
export type Target = { readonly atLeast: number } | { readonly atMost: number }

/** A result that stands beside what it should reach, or that is worth knowing without. */
export interface Row {
  readonly work: string
  readonly measure: string
  readonly result: Spread
  /** Of the result; without one it is a ratio. */
  readonly unit?: string
  readonly target?: Target
}

/** What one server did at one work. */
export interface Figure {
  readonly work: string
  readonly server: string
  readonly what: string
  readonly result: Spread
  readonly unit: string
}

/** What a measure found. */
export interface Report {
  readonly rows: ReadonlyArray<Row>
  readonly figures: ReadonlyArray<Figure>
  readonly charts?: ReadonlyArray<Chart>
  /** What a reader must know of how it was measured. */
  readonly notes?: ReadonlyArray<string>
}

/** Whether the median reaches the target. */
export const isReached = ({ median }: Spread, target: Target): boolean =>
  "atLeast" in target ? median >= target.atLeast : median <= target.atMost
