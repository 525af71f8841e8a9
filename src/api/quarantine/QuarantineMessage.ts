import { Schema } from "effect"
import {
  DecidedBy,
  DecisionReason,
  QuarantineId,
  QuarantineStatus
} from "../../domain/rates/QuarantinedRate.ts"
import * as PageMessage from "../PageMessage.ts"

const optional = Schema.optionalKey

/** What an operator may say to a decision. */
export const DecisionBody = Schema.Struct({ reason: optional(DecisionReason) }).annotate({
  identifier: "Decision"
})

/** Why a rate was not believed: the numbers, and the same in words. */
const ReasonMessage = Schema.Struct({
  reason: Schema.Literals(["inverted", "jump", "disagrees", "triangle", "unchanged", "outdated"]),
  detail: Schema.String,
  /** What it was compared with. */
  against: optional(Schema.String),
  /** How far it may be from that, as a fraction. */
  allowed: optional(Schema.String),
  /** Who says something else. */
  provider: optional(Schema.String),
  /** Over how many other pairs it was computed. */
  routes: optional(Schema.Int),
  since: optional(Schema.String),
  at: optional(Schema.String)
}).annotate({ identifier: "QuarantineReason" })

/** A rate that was put aside. */
export const QuarantineMessage = Schema.Struct({
  quarantine_id: QuarantineId,
  status: QuarantineStatus,
  from: Schema.String,
  to: Schema.String,
  rate: Schema.String,
  provider: Schema.String,
  reasons: Schema.Array(ReasonMessage),
  /** How many polls in a row have brought this level. */
  agreeing: Schema.Int,
  /** The rate that was in force when it came. */
  last_good_rate_id: Schema.NullOr(Schema.String),
  observed_at: Schema.String,
  quoted_at: Schema.NullOr(Schema.String),
  recorded_at: Schema.String,
  decided_at: Schema.NullOr(Schema.String),
  decided_by: Schema.NullOr(DecidedBy),
  /** Which operator: the id of a key, or a word that is none. */
  principal: Schema.NullOr(Schema.String),
  decision_reason: Schema.NullOr(Schema.String),
  /** The rate that it, or another of its level, has become. */
  rate_id: Schema.NullOr(Schema.String)
}).annotate({ identifier: "QuarantinedRate" })

/** The same, with what it was computed from. */
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
