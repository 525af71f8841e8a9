import type { PollRecord } from "../Values.ts"

export type QuarantineStatus = "pending" | "accepted" | "rejected"

/** Reason for a quarantine: the numbers, and a readable `detail`. */
export interface QuarantineReason {
  readonly reason: "inverted" | "jump" | "disagrees" | "triangle" | "unchanged" | "outdated"
  readonly detail: string
  /** The reference rate. */
  readonly against?: string
  /** Maximum allowed deviation from the reference rate, as a fraction. */
  readonly allowed?: string
  /** The provider of the reference rate. */
  readonly provider?: string
  /** Number of cross rates of which `against` is the median. */
  readonly routes?: number
  readonly since?: Date
  readonly at?: Date
}

/** A rate that failed a plausibility check. */
export interface QuarantinedRate {
  readonly quarantineId: string
  readonly status: QuarantineStatus
  readonly from: string
  readonly to: string
  readonly rate: string
  readonly provider: string
  readonly reasons: ReadonlyArray<QuarantineReason>
  /** Number of consecutive polls that returned this level. */
  readonly agreeing: number
  /** The rate in force when it arrived. */
  readonly lastGoodRateId: string | null
  readonly observedAt: Date
  readonly quotedAt: Date | null
  readonly recordedAt: Date
  readonly decidedAt: Date | null
  readonly decidedBy: "operator" | "agreement" | "confirmation" | "repetition" | null
  readonly principal: string | null
  readonly decisionReason: string | null
  /** The stored rate, if it or another quarantined rate of its level was accepted. */
  readonly rateId: string | null
}

/** A quarantined rate with the provider's response. */
export interface QuarantineRecord extends QuarantinedRate {
  readonly sourceAmount: string
  readonly destinationAmount: string
  readonly providerRate: string
  readonly raw: unknown
}

/** A poll with who requested it. Null for scheduled polls. */
export interface OperatorPoll extends PollRecord {
  readonly requestedBy: string | null
}

/** An interval, as text such as `10 minutes`. */
export interface PollerSetting {
  readonly interval: string
  readonly enabled: boolean
}

/** The schedule in effect, and the state of the poller. */
export interface Poller extends PollerSetting {
  /** `database` if a stored schedule is in effect, `setting` if POLL_INTERVAL is. */
  readonly source: "database" | "setting"
  /** POLL_INTERVAL of the node that responds. */
  readonly setting: PollerSetting
  /** Increments with each change. 0 before the first. */
  readonly version: number
  readonly changedAt: Date | null
  readonly changedBy: string | null
  /** Latest time at which the next scheduled poll is due. Null while polling is off. */
  readonly nextRunAt: Date | null
  readonly leader: { readonly term: number; readonly since: Date } | null
  readonly lastRun: OperatorPoll | null
}

/** A change of the schedule. Null in `from` or `to` means POLL_INTERVAL. */
export interface PollerChange {
  readonly version: number
  readonly changedAt: Date
  readonly changedBy: string
  readonly from: PollerSetting | null
  readonly to: PollerSetting | null
}
