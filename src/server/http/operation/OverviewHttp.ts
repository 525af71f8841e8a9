import { DateTime, Duration, Effect, Metric, Option } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { Api } from "../../../api/Api.ts"
import type { OverviewMessage } from "../../../api/operation/OverviewMessage.ts"
import { AuditSealer } from "../../../audit/AuditSealer.ts"
import { Settings } from "../../../config/Settings.ts"
import { VERSION } from "../../../config/Version.ts"
import { settingFields } from "../../../domain/rates/PollerSetting.ts"
import { adminPollFields } from "../../../domain/rates/PollRun.ts"
import * as LedgerMetrics from "../../../platform/metrics/LedgerMetrics.ts"
import { PollerSettings } from "../../../rates/polling/PollerSettings.ts"
import { Polls } from "../../../rates/polling/Polls.ts"
import { RiskRuleSettings } from "../../../risk/RiskRuleSettings.ts"
import * as Problems from "../../middleware/Problems.ts"
import * as ReadinessChecks from "../ReadinessChecks.ts"
import * as ActiveSettings from "./ActiveSettings.ts"
import * as Backlog from "./Backlog.ts"
import * as FiringAlerts from "./FiringAlerts.ts"

const MAX_AGE = Duration.seconds(2)
/** Polls whose outcome decides if polls fail. */
const LATEST_POLLS = 3

/** Handlers of the state of the service. */
export const layer = HttpApiBuilder.group(
  Api,
  "overview",
  Effect.fn(function* (handlers) {
    const { overview } = yield* makeOverview
    const cachedOverview = yield* Effect.cachedWithTTL(overview, MAX_AGE)
    const configured = yield* ActiveSettings.read
    const poller = yield* PollerSettings
    const riskRules = yield* RiskRuleSettings

    return handlers
      .handle("overview", () => cachedOverview)
      .handle(
        "settings",
        Effect.fnUntraced(function* () {
          const [schedule, rules] = yield* Effect.all([poller.active, riskRules.active], {
            concurrency: "unbounded"
          })
          const overriddenBy = (name: string) => {
            if (name === "POLL_INTERVAL" && schedule.source === "database") return "poller" as const
            const isRule = name.startsWith("RISK_") && name !== "RISK_REVIEW_EXPIRY"
            return isRule && rules.source === "database" ? ("risk-rules" as const) : null
          }
          return {
            data: configured.map((setting) => ({ ...setting, overridden_by: overriddenBy(setting.name) }))
          }
        }, Effect.catchTags(Problems.storeErrors))
      )
  })
)

const makeOverview = Effect.gen(function* () {
  const { exchange, funding, sandbox, staleAfter } = yield* Settings
  const sealer = yield* AuditSealer
  const polls = yield* Polls
  const poller = yield* PollerSettings
  const { check: checkReadiness } = yield* ReadinessChecks.make
  const readBacklogs = yield* Backlog.make

  const readPoller = Effect.gen(function* () {
    const { setting } = yield* poller.active
    const { lastPoll } = yield* polls.scheduleStatus
    const latest = yield* polls.page(undefined, LATEST_POLLS)
    return { setting, lastPoll, latest }
  })

  const overview = Effect.gen(function* () {
    const now = yield* DateTime.now
    const { backlogs, polling, readiness, unsealed } = yield* Effect.all(
      {
        readiness: checkReadiness,
        polling: Effect.option(readPoller),
        backlogs: Effect.option(readBacklogs),
        unsealed: Effect.option(sealer.backlog)
      },
      { concurrency: "unbounded" }
    )
    const ledger = yield* Metric.value(LedgerMetrics.isBroken)
    const alerts = FiringAlerts.of({
      now,
      readiness,
      staleAfter,
      pollInterval: Option.getOrUndefined(
        Option.flatMap(polling, ({ setting }) =>
          Option.liftPredicate(setting.interval, () => setting.enabled)
        )
      ),
      latestPolls: Option.match(polling, {
        onNone: () => [],
        onSome: ({ latest }) => latest.map((poll) => ({ succeeded: adminPollFields(poll).succeeded }))
      }),
      backlogs: Option.getOrUndefined(backlogs),
      oldestUnsealedSeconds: Option.match(
        Option.flatMap(unsealed, ({ since }) => since),
        { onNone: () => 0, onSome: (since) => Duration.toSeconds(DateTime.distance(since, now)) }
      ),
      isLedgerBroken: ledger.value === 1
    })
    const message: OverviewMessage = {
      as_of: DateTime.formatIso(now),
      instance: { version: VERSION, sandbox, funding, exchange },
      readiness,
      poller: Option.getOrNull(
        Option.map(polling, ({ lastPoll, setting }) => ({
          ...settingFields(setting),
          last_run: Option.getOrNull(Option.map(lastPoll, adminPollFields))
        }))
      ),
      backlog: Option.getOrNull(Option.map(backlogs, toBacklog)),
      alerts
    }
    return message
  }).pipe(Effect.withSpan("OverviewHttp.overview"))
  return { overview }
})

const toBacklog = (backlogs: Backlog.Backlogs) => {
  const fieldsOf = ({ count, oldestAt }: Backlog.Backlog) => ({
    count,
    oldest_at: oldestAt === null ? null : DateTime.formatIso(oldestAt)
  })
  return {
    quarantine: fieldsOf(backlogs.quarantine),
    deposits: fieldsOf(backlogs.deposits),
    withdrawals: fieldsOf(backlogs.withdrawals),
    reviews: fieldsOf(backlogs.reviews),
    adjustments: fieldsOf(backlogs.adjustments),
    dead_batches: fieldsOf(backlogs.dead_batches),
    open_orders: fieldsOf(backlogs.open_orders)
  }
}
