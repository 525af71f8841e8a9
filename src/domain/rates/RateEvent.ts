import type { PollSummary } from "./PollRun.ts"
import type { Rate } from "./Rate.ts"
import type { StreamPosition } from "./StreamPosition.ts"

/** The latest rate of every pair, as of a position. */
export interface Snapshot extends StreamPosition {
  readonly _tag: "Snapshot"
  readonly rates: ReadonlyArray<Rate>
}

/** A new latest rate, and the position of that change. */
export interface RateChanged extends StreamPosition {
  readonly _tag: "RateChanged"
  readonly rate: Rate
}

/** The latest rate of a pair has turned stale, at the position of the last change. Its age alone has changed. */
export interface RateStale extends StreamPosition {
  readonly _tag: "RateStale"
  readonly rate: Rate
}

/** A finished poll, and the stream position at that time. */
export interface PollFinished extends StreamPosition {
  readonly _tag: "PollFinished"
  readonly run: PollSummary
}

/** Changes between `since` and the position were skipped. A snapshot follows. */
export interface Gap extends StreamPosition {
  readonly _tag: "Gap"
  /** The last position that the subscriber received without gaps. */
  readonly since: StreamPosition
}

/** An event of a rate stream. */
export type RateEvent = Snapshot | LiveEvent | Gap

/** An event that every subscriber receives when it occurs. */
export type LiveEvent = RateChanged | RateStale | PollFinished
