import type { Backlog, Overview } from "../../../src/client/promise/admin/OperationValues.ts"
import { texts as overviewTexts } from "../texts/admin/overview.ts"

/** Something that an administrator should look at, with the way to it. */
export interface Concern {
  readonly key: string
  readonly severity: "critical" | "warning" | "waiting"
  readonly title: string
  readonly detail: string
  readonly path: string
  readonly action: string
  /** Since when. Null if that is not known. */
  readonly since: Date | null
}

const RANK = { critical: 0, warning: 1, waiting: 2 } as const

/** Pages where the reason of an alert is found. */
const ALERT_PATHS: Readonly<Record<string, string>> = {
  EffexRatesStale: "/admin/poller",
  EffexRatesMissing: "/admin/poller",
  EffexPollsFail: "/admin/poller",
  EffexProviderFails: "/admin/poller",
  EffexRatesQuarantined: "/admin/rates",
  EffexAuditSealRefused: "/admin/conversions",
  EffexAuditNotSealed: "/admin/conversions",
  EffexLedgerBroken: "/admin/ledger",
  EffexSettlementDead: "/admin/orders",
  EffexOrdersUnsettled: "/admin/orders",
  EffexReviewsWaiting: "/admin/reviews",
  EffexFundingPending: "/admin/funding"
}

/** Alerts that say the same as a backlog, which is listed itself. */
const SAME_AS_BACKLOG: ReadonlySet<string> = new Set([
  "EffexRatesQuarantined",
  "EffexReviewsWaiting",
  "EffexFundingPending",
  "EffexSettlementDead"
])

type BacklogName = keyof NonNullable<Overview["backlog"]>

const BACKLOG_PATHS: ReadonlyArray<readonly [BacklogName, string]> = [
  ["deadBatches", "/admin/orders?show=dead"],
  ["quarantine", "/admin/rates"],
  ["reviews", "/admin/reviews"],
  ["withdrawals", "/admin/funding"],
  ["deposits", "/admin/funding"],
  ["adjustments", "/admin/ledger"]
]

/** Alerts that raise a backlog from work that waits to a warning. */
const ALERT_OF: Readonly<Partial<Record<BacklogName, string>>> = {
  quarantine: "EffexRatesQuarantined",
  reviews: "EffexReviewsWaiting",
  deposits: "EffexFundingPending",
  withdrawals: "EffexFundingPending"
}

const concernOf = (
  name: BacklogName,
  path: string,
  { count, oldestAt }: Backlog,
  alerts: ReadonlySet<string>
): Concern => ({
  key: name,
  severity: name === "deadBatches" ? "critical" : alerts.has(ALERT_OF[name] ?? "") ? "warning" : "waiting",
  title: overviewTexts.waiting[name].title(count),
  detail: overviewTexts.waiting[name].detail,
  path,
  action: overviewTexts.waiting[name].action,
  since: oldestAt
})

/** Returns what needs attention, the worst first, and among equals the oldest. Empty if all is well. */
export const concernsOf = ({
  alerts,
  backlog,
  instance
}: Pick<Overview, "alerts" | "backlog" | "instance">): ReadonlyArray<Concern> => {
  const names = new Set(alerts.map(({ alert }) => alert))
  const firing = alerts
    .filter(({ alert }) => backlog === null || !SAME_AS_BACKLOG.has(alert))
    .map(({ alert, severity, summary }): Concern => {
      const path = ALERT_PATHS[alert] ?? "/admin/settings"
      return {
        key: alert + summary,
        severity,
        title: summary,
        detail: overviewTexts.alertAdvice[alert] ?? "",
        path,
        action: overviewTexts.look,
        since: null
      }
    })
  const waiting =
    backlog === null
      ? []
      : BACKLOG_PATHS.filter(
          ([name]) =>
            backlog[name].count > 0 &&
            // The sandbox decides on its own.
            (instance.funding === "manual" || (name !== "deposits" && name !== "withdrawals"))
        ).map(([name, path]) => concernOf(name, path, backlog[name], names))
  const ageOf = ({ since }: Concern) => since?.getTime() ?? Number.POSITIVE_INFINITY
  return [...firing, ...waiting].toSorted(
    (a, b) => RANK[a.severity] - RANK[b.severity] || ageOf(a) - ageOf(b)
  )
}
