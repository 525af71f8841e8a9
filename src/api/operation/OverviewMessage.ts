import { Schema } from "effect"
import { TimestampText } from "../../domain/Timestamp.ts"
import { Readiness } from "../health/HealthApi.ts"
import { OperatorPollMessage } from "../polling/PollMessage.ts"

/** Items that wait, and since when. */
const Backlog = Schema.Struct({
  count: Schema.Int,
  /** Null if nothing waits. */
  oldest_at: Schema.NullOr(TimestampText)
}).annotate({ identifier: "Backlog" })

/** A condition of an alert that holds now. */
export const FiringAlert = Schema.Struct({
  /** Name of the alert in `ops/prometheus/alerts.yml`. */
  alert: Schema.String,
  severity: Schema.Literals(["critical", "warning"]),
  summary: Schema.String
}).annotate({ identifier: "FiringAlert" })

/** The state of the service for its operators. */
export const OverviewMessage = Schema.Struct({
  /** Responses are cached for two seconds. */
  as_of: TimestampText,
  instance: Schema.Struct({
    version: Schema.String,
    /** True if all rates are generated. */
    sandbox: Schema.Boolean,
    /** `manual`: administrators confirm deposits and withdrawals. */
    funding: Schema.Literals(["sandbox", "manual"]),
    exchange: Schema.String
  }),
  /** The readiness of the node that responds. */
  readiness: Readiness,
  /** Null while the database is unavailable. */
  poller: Schema.NullOr(
    Schema.Struct({
      interval: Schema.String,
      enabled: Schema.Boolean,
      /** The latest scheduled poll. */
      last_run: Schema.NullOr(OperatorPollMessage)
    })
  ),
  /** Backlogs of administrators and providers. Null while the database is unavailable. */
  backlog: Schema.NullOr(
    Schema.Struct({
      quarantine: Backlog,
      deposits: Backlog,
      withdrawals: Backlog,
      reviews: Backlog,
      adjustments: Backlog,
      /** Batches of orders that were given up. */
      dead_batches: Backlog,
      /** Orders that are neither settled nor cancelled. */
      open_orders: Backlog
    })
  ),
  /** Most severe first. The conditions hold on the node that responds, without the waiting times of the alerts. */
  alerts: Schema.Array(FiringAlert)
}).annotate({ identifier: "Overview" })
export type OverviewMessage = typeof OverviewMessage.Type

/** A setting in force on the node that responds. */
export const ActiveSettingMessage = Schema.Struct({
  name: Schema.String,
  /** Null without a value, and for a secret. */
  value: Schema.NullOr(Schema.String),
  /** The default, as the documentation has it. */
  default: Schema.String,
  source: Schema.Literals(["default", "environment"]),
  /** True if the value is never shown. */
  secret: Schema.Boolean,
  /** Value that takes precedence, because an administrator changed it at run time. */
  overridden_by: Schema.NullOr(Schema.Literals(["poller", "risk-rules"])),
  description: Schema.String,
  allowed: Schema.String
}).annotate({ identifier: "ActiveSetting" })
export type ActiveSettingMessage = typeof ActiveSettingMessage.Type

export const SettingsMessage = Schema.Struct({ data: Schema.Array(ActiveSettingMessage) }).annotate({
  identifier: "ActiveSettings"
})
