import { DateTime, Duration } from "effect"
import type { FiringAlert } from "../../../api/operation/OverviewMessage.ts"
import type { Readiness } from "../../../api/health/HealthApi.ts"
import type { Backlog, Backlogs } from "./Backlog.ts"

type Alert = typeof FiringAlert.Type

/** Measurements that the conditions of the alerts depend on. */
export interface AlertFacts {
  readonly now: DateTime.Utc
  readonly readiness: Readiness
  readonly staleAfter: Duration.Duration
  /** Undefined while polling is off, or unknown. */
  readonly pollInterval: Duration.Duration | undefined
  /** Outcomes of the latest polls of currencies, newest first: the number of pairs that succeeded. */
  readonly latestPolls: ReadonlyArray<{ readonly succeeded: number | null }>
  /** Undefined while the database is unavailable. */
  readonly backlogs: Backlogs | undefined
  readonly oldestUnsealedSeconds: number
  /** True if the last verification of the ledger on this node failed. */
  readonly isLedgerBroken: boolean
}

const DAY_SECONDS = 86_400
const MAX_SEAL_LAG_SECONDS = 60
const MAX_QUARANTINE_SECONDS = 1800
const MAX_ORDER_SECONDS = 1800
const MAX_SKEW_SECONDS = 2
/** Polls in a row without any rate. */
const FAILED_POLLS = 3

/**
 * Returns the alerts of `ops/prometheus/alerts.yml` whose conditions hold on this node now, critical ones first. Conditions on
 * rates of events, such as failing requests, are left to Prometheus.
 */
export const of = (facts: AlertFacts): ReadonlyArray<Alert> =>
  [...ratesOf(facts), ...storesOf(facts), ...moneyOf(facts)].toSorted(
    (a, b) => RANK[a.severity] - RANK[b.severity]
  )

const RANK = { critical: 0, warning: 1 } as const

const critical = (alert: string, summary: string): Alert => ({ alert, severity: "critical", summary })
const warning = (alert: string, summary: string): Alert => ({ alert, severity: "warning", summary })

const ratesOf = ({ backlogs, latestPolls, now, pollInterval, readiness, staleAfter }: AlertFacts) => {
  const { clock, providers, rates } = readiness.checks
  const alerts: Array<Alert> = []
  const age = rates.oldestAgeSeconds ?? 0
  if (pollInterval !== undefined) {
    if (age > 2 * Duration.toSeconds(staleAfter) && age > 3 * Duration.toSeconds(pollInterval))
      alerts.push(critical("EffexRatesStale", `The oldest rate is ${format(age)} old`))
    if (rates.known < rates.expected)
      alerts.push(warning("EffexRatesMissing", `Only ${rates.known} of ${rates.expected} pairs have a rate`))
    if (latestPolls.length >= FAILED_POLLS && latestPolls.every(({ succeeded }) => succeeded === 0))
      alerts.push(critical("EffexPollsFail", `The last ${latestPolls.length} polls failed for all pairs`))
  }
  for (const { detail, name, status } of providers)
    if (status === "degraded")
      alerts.push(warning("EffexProviderFails", `${name} fails: ${detail ?? "no detail"}`))
  if (Math.abs(clock.skewSeconds) > MAX_SKEW_SECONDS)
    alerts.push(
      warning(
        "EffexClockSkew",
        `The clocks of this node and of the database differ by ${format(Math.abs(clock.skewSeconds))}`
      )
    )
  if (isOlder(backlogs?.quarantine, MAX_QUARANTINE_SECONDS, now))
    alerts.push(
      warning("EffexRatesQuarantined", `${backlogs?.quarantine.count} quarantined rates await a decision`)
    )
  return alerts
}

const storesOf = ({ readiness }: AlertFacts) => {
  const { audit, database, redis } = readiness.checks
  const alerts: Array<Alert> = []
  if (database.status === "down")
    alerts.push(
      critical("EffexDatabaseFails", "The database does not respond; everything that writes is refused")
    )
  if (redis.status === "down" || redis.status === "degraded")
    alerts.push(warning("EffexRedisDown", redis.detail ?? "Redis does not respond"))
  if (audit.status === "degraded")
    alerts.push(critical("EffexAuditSealRefused", audit.detail ?? "New conversions are not sealed"))
  return alerts
}

const moneyOf = ({ backlogs, isLedgerBroken, now, oldestUnsealedSeconds }: AlertFacts) => {
  const alerts: Array<Alert> = []
  if (isLedgerBroken) alerts.push(critical("EffexLedgerBroken", "The ledger does not verify"))
  if (oldestUnsealedSeconds > MAX_SEAL_LAG_SECONDS)
    alerts.push(
      warning(
        "EffexAuditNotSealed",
        `The oldest unsealed audit record is ${format(oldestUnsealedSeconds)} old`
      )
    )
  if (backlogs === undefined) return alerts
  const { dead_batches, deposits, open_orders, reviews, withdrawals } = backlogs
  if (dead_batches.count > 0)
    alerts.push(
      critical(
        "EffexSettlementDead",
        `${dead_batches.count} batches of orders were given up after too many failures`
      )
    )
  if (isOlder(open_orders, MAX_ORDER_SECONDS, now))
    alerts.push(warning("EffexOrdersUnsettled", `The oldest order waits for ${formatAge(open_orders, now)}`))
  if (isOlder(reviews, DAY_SECONDS, now))
    alerts.push(
      warning("EffexReviewsWaiting", `A movement has waited for a review for ${formatAge(reviews, now)}`)
    )
  for (const [name, backlog] of [
    ["deposit", deposits],
    ["withdrawal", withdrawals]
  ] as const)
    if (isOlder(backlog, DAY_SECONDS, now))
      alerts.push(
        warning("EffexFundingPending", `A ${name} is without an outcome for ${formatAge(backlog, now)}`)
      )
  return alerts
}

const ageSeconds = ({ oldestAt }: Backlog, now: DateTime.Utc) =>
  oldestAt === null ? 0 : Duration.toSeconds(DateTime.distance(oldestAt, now))

const isOlder = (backlog: Backlog | undefined, seconds: number, now: DateTime.Utc) =>
  backlog !== undefined && ageSeconds(backlog, now) > seconds

const formatAge = (backlog: Backlog, now: DateTime.Utc) => format(ageSeconds(backlog, now))

const format = (seconds: number) => {
  if (seconds < 120) return `${Math.round(seconds)} seconds`
  if (seconds < 7200) return `${Math.round(seconds / 60)} minutes`
  return seconds < 2 * DAY_SECONDS
    ? `${Math.round(seconds / 3600)} hours`
    : `${Math.round(seconds / DAY_SECONDS)} days`
}
