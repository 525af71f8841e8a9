/** The latest rate of a pair: units of `to` per unit of `from`. */
export interface Rate {
  readonly from: string
  readonly to: string
  /** Exact decimal text, such as `1534.12345678`. Use a decimal library for arithmetic. */
  readonly rate: string
  readonly rateId: string
  /** Provider name, such as `flutterwave`, or `sandbox` for generated rates. */
  readonly provider: string
  /** When the server queried the provider. */
  readonly fetchedAt: Date
  /** The provider's own time of the rate, if it sends one. */
  readonly quotedAt?: Date
  /** True if the rate is older than the server's `STALE_AFTER` and could not be refreshed. */
  readonly stale: boolean
}

/** A rate of a list. */
export interface ListedRate extends Rate {
  /** False for a pair that is fetched on demand only. Absent from servers before 0.2. */
  readonly polled?: boolean
}

/** A stored, immutable rate with its provenance. */
export interface RateRecord extends Omit<Rate, "stale"> {
  readonly sourceAmount: string
  readonly destinationAmount: string
  /** The rate field of the provider's response, verbatim. */
  readonly providerRate: string
  /** Ids of the rates that it was computed from. Empty if the provider quoted the pair directly. */
  readonly derivedFrom: ReadonlyArray<string>
  /** When effex stored the rate. */
  readonly recordedAt: Date
  /** The provider's complete response. */
  readonly raw: unknown
}

/** The rate in force at `at`, as known at `knownAt`. */
export interface RateAsOf extends Omit<Rate, "stale"> {
  readonly recordedAt: Date
  readonly derivedFrom: ReadonlyArray<string>
  readonly at: Date
  readonly knownAt: Date
}

/** A stored rate of a pair, including rates that were corrected later. */
export interface HistoryRate {
  readonly rate: string
  readonly rateId: string
  readonly provider: string
  readonly fetchedAt: Date
  readonly recordedAt: Date
  readonly derivedFrom: ReadonlyArray<string>
}

/** Open, high, low and close of one UTC hour or day, after corrections. */
export interface Candle {
  readonly start: Date
  readonly open: string
  readonly high: string
  readonly low: string
  readonly close: string
  /** Number of rates. */
  readonly count: number
}

/**
 * A stream event: the latest rates of all subscribed pairs (`snapshot`), one change (`rate`), or skipped changes
 * (`gap`, followed by a snapshot). Pass `position` as `since` to resume after the event.
 */
export type RateEvent =
  | { readonly type: "snapshot"; readonly position: string; readonly rates: ReadonlyArray<Rate> }
  | { readonly type: "rate"; readonly position: string; readonly rate: Rate }
  | { readonly type: "gap"; readonly position: string }

/** A finished poll. */
export interface Poll {
  readonly runId: string
  readonly startedAt: Date
  readonly finishedAt: Date
  /** Number of pairs requested. */
  readonly pairs: number
  readonly succeeded: number
  readonly failed: number
}

/** A poll, running or ended. */
export interface PollRecord {
  readonly runId: string
  readonly status: "running" | "finished" | "interrupted"
  readonly trigger: "schedule" | "demand" | "command-line"
  readonly pairSet: "currencies" | "prices"
  /** Leader term of a scheduled poll. */
  readonly term: number | null
  readonly startedAt: Date
  readonly finishedAt: Date | null
  /** Number of pairs requested. */
  readonly pairs: number
  /** Null until the poll is finished. */
  readonly succeeded: number | null
  readonly failed: number | null
}

/** A poll with the pairs that it failed to refresh. */
export interface PollDetails extends PollRecord {
  readonly failures: ReadonlyArray<{
    readonly from: string
    readonly to: string
    readonly reason: string
    readonly detail: string
  }>
}
