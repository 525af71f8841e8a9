import { type BigDecimal, type DateTime, Schema } from "effect"
import type { AssetCode } from "../money/Asset.ts"
import type { LedgerAccountId } from "./LedgerAccount.ts"
import { TransferId } from "./LedgerPosting.ts"

/** `pending` until a second administrator decides. A posted adjustment has a transfer with its id. */
export const AdjustmentState = Schema.Literals(["pending", "posted", "rejected"])
export type AdjustmentState = typeof AdjustmentState.Type

/** A correction of a balance, against the account `adjustment` of the house in the same asset. */
export interface Adjustment {
  readonly id: TransferId
  readonly account: LedgerAccountId
  readonly asset: AssetCode
  /** Signed change of the balance. */
  readonly amount: BigDecimal.BigDecimal
  readonly reason: string
  readonly requestedBy: string
  readonly requestedAt: DateTime.Utc
  readonly state: AdjustmentState
  /** The second administrator; null if none was needed. */
  readonly decidedBy: string | null
  readonly decidedAt: DateTime.Utc | null
  readonly decisionReason: string | null
}

/** No account or adjustment has this id. */
export class LedgerSubjectNotFound extends Schema.TaggedError<LedgerSubjectNotFound>()(
  "LedgerSubjectNotFound",
  { subject: Schema.String }
) {
  override get message(): string {
    return `The ledger has no ${this.subject} with this id`
  }
}

/** The amount is zero, or has more decimals than the asset of the account. */
export class AdjustmentAmountInvalid extends Schema.TaggedError<AdjustmentAmountInvalid>()(
  "AdjustmentAmountInvalid",
  { detail: Schema.String }
) {
  override get message(): string {
    return this.detail
  }
}

/** The ledger refuses the posting in its present state. */
export class AdjustmentRefused extends Schema.TaggedError<AdjustmentRefused>()("AdjustmentRefused", {
  detail: Schema.String
}) {
  override get message(): string {
    return this.detail
  }
}

/** Another administrator has decided already. */
export class AdjustmentDecided extends Schema.TaggedError<AdjustmentDecided>()("AdjustmentDecided", {
  id: TransferId,
  state: AdjustmentState
}) {
  override get message(): string {
    return `The adjustment is already ${this.state}`
  }
}

/** Administrators cannot decide on an adjustment that they requested, or of their own wallet. */
export class SecondAdministratorRequired extends Schema.TaggedError<SecondAdministratorRequired>()(
  "SecondAdministratorRequired",
  {}
) {
  override get message(): string {
    return "You requested this adjustment, or it is of your own wallet; another administrator must decide on it"
  }
}

/** The key was used for another adjustment. */
export class AdjustmentKeyMismatch extends Schema.TaggedError<AdjustmentKeyMismatch>()(
  "AdjustmentKeyMismatch",
  {}
) {
  override get message(): string {
    return "The Idempotency-Key was used for another adjustment; use a new one"
  }
}
