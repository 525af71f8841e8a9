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

/** Permission of an API key. No scope includes another. */
export type KeyScope = "rates:read" | "convert" | "audit:read" | "admin" | "wallets"

/** An API key, without its secret. */
export interface ApiKey {
  readonly id: string
  readonly name: string
  /** The last four characters of the key. */
  readonly endsWith: string
  readonly scopes: ReadonlyArray<KeyScope>
  /** `test` keys work with the sandbox only, `live` keys with real providers only. */
  readonly mode: "live" | "test"
  readonly createdAt: Date
  /** Null: the key does not expire. */
  readonly expiresAt: Date | null
  readonly revokedAt: Date | null
  /** Updated at most once per minute. Null before the first use. */
  readonly lastUsedAt: Date | null
}

/** A new API key with its secret, which cannot be read again. */
export interface CreatedApiKey extends ApiKey {
  readonly key: string
}

/** Items that wait, and since when. */
export interface Backlog {
  readonly count: number
  /** Null if nothing waits. */
  readonly oldestAt: Date | null
}

type CheckStatus = "ok" | "degraded" | "down" | "off"

interface Check {
  readonly status: CheckStatus
  readonly detail?: string
}

interface ProviderCheck extends Check {
  readonly name: string
}

/** Readiness of a node. */
export interface Readiness {
  readonly status: "ok" | "degraded" | "down"
  /** Present while the node shuts down. */
  readonly draining?: true
  readonly checks: {
    readonly database: Check
    readonly redis: Check
    /** The primary provider. `name` is `sandbox` if the rates are generated. */
    readonly provider: ProviderCheck
    readonly rates: Check & {
      readonly known: number
      readonly expected: number
      /** Null while no rate is available. */
      readonly oldestAgeSeconds: number | null
    }
    readonly clock: Check & { readonly skewSeconds: number }
    readonly audit: Check
    /** Present with a read replica. */
    readonly replica?: Check & { readonly lagSeconds: number }
    /** All providers in failover order. */
    readonly providers: ReadonlyArray<ProviderCheck>
  }
}

/** A condition of an alert that holds now. */
export interface FiringAlert {
  /** Name of the alert in `ops/prometheus/alerts.yml`. */
  readonly alert: string
  readonly severity: "critical" | "warning"
  readonly summary: string
}

/** The state of the service. */
export interface Overview {
  readonly asOf: Date
  readonly instance: {
    readonly version: string
    /** True if all rates are generated. */
    readonly sandbox: boolean
    /** `manual`: administrators confirm deposits and withdrawals. */
    readonly funding: "sandbox" | "manual"
    readonly exchange: string
  }
  readonly readiness: Readiness
  /** Null while the database is unavailable. */
  readonly poller: (PollerSetting & { readonly lastRun: OperatorPoll | null }) | null
  /** Null while the database is unavailable. */
  readonly backlog: {
    readonly quarantine: Backlog
    readonly deposits: Backlog
    readonly withdrawals: Backlog
    readonly reviews: Backlog
    readonly adjustments: Backlog
    /** Batches of orders that were given up. */
    readonly deadBatches: Backlog
    /** Orders that are neither settled nor cancelled. */
    readonly openOrders: Backlog
  } | null
  /** Most severe first. */
  readonly alerts: ReadonlyArray<FiringAlert>
}

/** A setting in force on the node that responds. */
export interface ActiveSetting {
  readonly name: string
  /** Null without a value, and for a secret. */
  readonly value: string | null
  readonly default: string
  readonly source: "default" | "environment"
  /** True if the value is never shown. */
  readonly secret: boolean
  /** Value that takes precedence, because an administrator changed it at run time. */
  readonly overriddenBy: "poller" | "risk-rules" | null
  readonly description: string
  readonly allowed: string
}
