import type { PollSummary } from "./PollRun.ts"
import type { Rate } from "./Rate.ts"
import type { StreamPosition } from "./StreamPosition.ts"

/** Every rate that is known, as of a position. */
export interface Snapshot extends StreamPosition {
  readonly _tag: "Snapshot"
  readonly rates: ReadonlyArray<Rate>
}

/** A rate that has changed, and the position of that change. */
export interface RateChanged extends StreamPosition {
  readonly _tag: "RateChanged"
  readonly rate: Rate
}

/** A poll that has finished, and the position at that moment. */
export interface PollFinished extends StreamPosition {
  readonly _tag: "PollFinished"
  readonly run: PollSummary
}

/** Changes after `since` were left out, up to the position; a snapshot follows. */
export interface Gap extends StreamPosition {
  readonly _tag: "Gap"
  /** The position up to which the reader was told everything. */
  readonly since: StreamPosition
}

/** What the readers of a stream are told, in order. */
export type RateEvent = Snapshot | RateChanged | PollFinished | Gap
