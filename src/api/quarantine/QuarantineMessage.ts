import { Schema } from "effect"
import {
  DecidedBy,
  DecisionReason,
  QuarantineId,
  QuarantineStatus
} from "../../domain/rates/QuarantinedRate.ts"
import * as PageMessage from "../PageMessage.ts"
import { TimestampText } from "../../domain/Timestamp.ts"

const optional = Schema.optionalKey

/** Optional request body of a decision. */
export const DecisionBody = Schema.Struct({ reason: optional(DecisionReason) }).annotate({
  identifier: "Decision"
})

/** Reason for a quarantine: the numbers, and a readable `detail`. */
const ReasonMessage = Schema.Struct({
  reason: Schema.Literals(["inverted", "jump", "disagrees", "triangle", "unchanged", "outdated"]),
  detail: Schema.String,
  /** The reference rate. */
  against: optional(Schema.String),
  /** Maximum allowed deviation from the reference rate, as a fraction. */
  allowed: optional(Schema.String),
  /** The provider of the reference rate. */
  provider: optional(Schema.String),
  /** Number of cross rates of which `against` is the median. */
  routes: optional(Schema.Int),
  since: optional(TimestampText),
  at: optional(Schema.String)
}).annotate({ identifier: "QuarantineReason" })

/** A quarantined rate. */
export const QuarantineMessage = Schema.Struct({
  quarantine_id: QuarantineId,
  status: QuarantineStatus,
  from: Schema.String,
  to: Schema.String,
  rate: Schema.String,
  provider: Schema.String,
  reasons: Schema.Array(ReasonMessage),
  /** Number of consecutive polls that returned this level. */
  agreeing: Schema.Int,
  /** The rate in force when it arrived. */
  last_good_rate_id: Schema.NullOr(Schema.String),
  observed_at: TimestampText,
  quoted_at: Schema.NullOr(TimestampText),
  recorded_at: TimestampText,
  decided_at: Schema.NullOr(TimestampText),
  decided_by: Schema.NullOr(DecidedBy),
  /** The API key id or label of the operator. Null for automatic decisions. */
  principal: Schema.NullOr(Schema.String),
  decision_reason: Schema.NullOr(Schema.String),
  /** The stored rate, if it or another quarantined rate of its level was accepted. */
  rate_id: Schema.NullOr(Schema.String)
}).annotate({ identifier: "QuarantinedRate" })

/** A quarantined rate with the provider's raw response. */
export const QuarantineRecordMessage = Schema.Struct({
  ...QuarantineMessage.fields,
  source_amount: Schema.String,
  destination_amount: Schema.String,
  provider_rate: Schema.String,
  raw: Schema.Json
}).annotate({ identifier: "QuarantineRecord" })

export const QuarantinePage = Schema.Struct(PageMessage.page(QuarantineMessage)).annotate({
  identifier: "QuarantinePage"
})
