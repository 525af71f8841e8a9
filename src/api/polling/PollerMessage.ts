import { Schema } from "effect"
import { PollerSetting } from "../../domain/rates/PollerSetting.ts"
import * as PageMessage from "../PageMessage.ts"
import { OperatorPollMessage } from "./PollMessage.ts"

/** How rates are to be polled, whole. */
export const PollerBody = PollerSetting.annotate({ identifier: "PollerSetting" })

/** The same as it is told: the interval as text, such as `10 minutes`. */
const Told = Schema.Struct({ interval: Schema.String, enabled: Schema.Boolean })

/** How rates are polled, and what comes of it. */
export const PollerMessage = Schema.Struct({
  ...Told.fields,
  /** `database` where it was changed there; `setting` where POLL_INTERVAL counts. */
  source: Schema.Literals(["database", "setting"]),
  /** What POLL_INTERVAL says, on the node that answers. */
  setting: Told,
  /** Grows by one with each change; 0 before the first. */
  version: Schema.Int,
  changed_at: Schema.NullOr(Schema.String),
  /** The id of a key, or a word that is none. */
  changed_by: Schema.NullOr(Schema.String),
  /** When the next poll of the schedule is due at the latest; null while polling is off. */
  next_run_at: Schema.NullOr(Schema.String),
  /** The latest term of polling, and since when it lasts; null before the first. */
  leader: Schema.NullOr(Schema.Struct({ term: Schema.Int, since: Schema.String })),
  /** The latest poll of the schedule. */
  last_run: Schema.NullOr(OperatorPollMessage)
}).annotate({ identifier: "Poller" })

/** One change of the setting; null stands for POLL_INTERVAL. */
const PollerChangeMessage = Schema.Struct({
  version: Schema.Int,
  changed_at: Schema.String,
  changed_by: Schema.String,
  from: Schema.NullOr(Told),
  to: Schema.NullOr(Told)
}).annotate({ identifier: "PollerChange" })

export const PollerChangePage = Schema.Struct(PageMessage.page(PollerChangeMessage)).annotate({
  identifier: "PollerChangePage"
})
