import { Schema } from "effect"
import { LedgerAccountId } from "../domain/ledger/LedgerAccount.ts"
import { HoldId, TransferId } from "../domain/ledger/LedgerPosting.ts"
import { RULE_NAMES, RuleOutcome } from "../domain/risk/RiskRules.ts"
import { Amount } from "../ledger/Amount.ts"

// JSON columns of decisions and reviews.

/** A rule that fired. */
export const Fired = Schema.Struct({
  rule: Schema.Literals(RULE_NAMES),
  outcome: RuleOutcome,
  detail: Schema.String,
  remaining: Schema.NullOr(
    Schema.Struct({
      amount: Amount,
      unit: Schema.Literals(["value", "count"]),
      resetsAt: Schema.DateTimeUtcFromString
    })
  )
})

/** The posting of a held movement. Its key belongs to the posting that holds the money. */
export const StoredPosting = Schema.Struct({
  id: TransferId,
  kind: Schema.String,
  details: Schema.Record(Schema.String, Schema.Json),
  entries: Schema.Array(Schema.Struct({ account: LedgerAccountId, amount: Amount })),
  opens: Schema.Array(
    Schema.Struct({
      holdId: HoldId,
      account: LedgerAccountId,
      amount: Amount,
      expiresAt: Schema.optional(Schema.DateTimeUtcFromString)
    })
  ),
  ends: Schema.Array(
    Schema.Struct({ holdId: HoldId, outcome: Schema.Literals(["posted", "voided"]), posted: Amount })
  )
})
