import { Schema } from "effect"
import { PollerSetting } from "../../domain/rates/PollerSetting.ts"
import * as PageMessage from "../PageMessage.ts"
import { OperatorPollMessage } from "./PollMessage.ts"
import { TimestampText } from "../../domain/Timestamp.ts"

/** Request body: the complete new setting. */
export const PollerBody = PollerSetting.annotate({ identifier: "PollerSetting" })

/** The setting in responses. The interval is text such as `10 minutes`. */
const SettingMessage = Schema.Struct({ interval: Schema.String, enabled: Schema.Boolean })

/** The poller setting in effect, and the state of the poller. */
export const PollerMessage = Schema.Struct({
  ...SettingMessage.fields,
  /** `database` if a stored setting is in effect, `setting` if POLL_INTERVAL is. */
  source: Schema.Literals(["database", "setting"]),
  /** POLL_INTERVAL of the node that responds. */
  setting: SettingMessage,
  /** Increments with each change. 0 before the first. */
  version: Schema.Int,
  changed_at: Schema.NullOr(TimestampText),
  /** The API key id or label of the operator. */
  changed_by: Schema.NullOr(Schema.String),
  /** Latest time at which the next scheduled poll is due. Null while polling is off. */
  next_run_at: Schema.NullOr(TimestampText),
  /** The current leader term and its start. Null before the first. */
  leader: Schema.NullOr(Schema.Struct({ term: Schema.Int, since: TimestampText })),
  /** The latest scheduled poll. */
  last_run: Schema.NullOr(OperatorPollMessage)
}).annotate({ identifier: "Poller" })

/** One change of the setting. Null in `from` or `to` means POLL_INTERVAL. */
const PollerChangeMessage = Schema.Struct({
  version: Schema.Int,
  changed_at: TimestampText,
  changed_by: Schema.String,
  from: Schema.NullOr(SettingMessage),
  to: Schema.NullOr(SettingMessage)
}).annotate({ identifier: "PollerChange" })

export const PollerChangePage = Schema.Struct(PageMessage.page(PollerChangeMessage)).annotate({
  identifier: "PollerChangePage"
})
