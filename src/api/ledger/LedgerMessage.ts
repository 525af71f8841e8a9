import { Schema } from "effect"
import { AdjustmentState } from "../../domain/ledger/Adjustment.ts"
import { LedgerAccountId } from "../../domain/ledger/LedgerAccount.ts"
import { AssetCode } from "../../domain/money/Asset.ts"
import { TimestampText } from "../../domain/Timestamp.ts"
import * as PageMessage from "../PageMessage.ts"
import { Reason } from "../Reason.ts"

/** A signed amount in plain decimal digits. */
const SignedAmount = Schema.String.check(Schema.isPattern(/^-?\d+(\.\d+)?$/)).annotate({
  description: "A decimal number in plain digits, with a minus sign if it is negative"
})

/** An account of the ledger. */
export const LedgerAccountMessage = Schema.Struct({
  id: LedgerAccountId,
  /** Id of the wallet; null for an account of the house. */
  owner: Schema.NullOr(Schema.String),
  role: Schema.String,
  asset: AssetCode,
  balance: SignedAmount,
  /** Sum of the open holds that have not expired. */
  held: SignedAmount,
  available: SignedAmount,
  /** Number of entries. */
  version: Schema.String,
  frozen_at: Schema.NullOr(TimestampText)
}).annotate({ identifier: "LedgerAccount" })
export type LedgerAccountMessage = typeof LedgerAccountMessage.Type

export const LedgerAccountPage = Schema.Struct(PageMessage.page(LedgerAccountMessage)).annotate({
  identifier: "LedgerAccountPage"
})

/** An entry of an account. */
export const LedgerEntryMessage = Schema.Struct({
  transfer_id: Schema.String,
  account: LedgerAccountId,
  /** Position in the history of the account, from 1. */
  version: Schema.String,
  asset: AssetCode,
  amount: SignedAmount,
  /** Balance of the account after the entry. */
  balance: SignedAmount,
  kind: Schema.String,
  posted_at: TimestampText
}).annotate({ identifier: "LedgerEntry" })
export type LedgerEntryMessage = typeof LedgerEntryMessage.Type

export const LedgerEntryPage = Schema.Struct(PageMessage.page(LedgerEntryMessage)).annotate({
  identifier: "LedgerEntryPage"
})

const hold = { hold_id: Schema.String, account: LedgerAccountId, amount: SignedAmount }

/** A transfer with its entries, and the holds that it opened or ended. */
export const LedgerTransferMessage = Schema.Struct({
  id: Schema.String,
  kind: Schema.String,
  details: Schema.Json,
  posted_at: TimestampText,
  entries: Schema.Array(LedgerEntryMessage),
  opened_holds: Schema.Array(Schema.Struct(hold)),
  ended_holds: Schema.Array(
    Schema.Struct({ ...hold, outcome: Schema.Literals(["posted", "voided"]), posted: SignedAmount })
  )
}).annotate({ identifier: "LedgerTransfer" })
export type LedgerTransferMessage = typeof LedgerTransferMessage.Type

/** Balances by asset and role. The balances of each asset add up to zero. */
export const TrialBalanceMessage = Schema.Struct({
  /** The requested time; null for now. */
  at: Schema.NullOr(TimestampText),
  balanced: Schema.Boolean,
  assets: Schema.Array(
    Schema.Struct({
      asset: AssetCode,
      /** Sum of the balances of the asset: 0. */
      total: SignedAmount,
      roles: Schema.Array(
        Schema.Struct({ role: Schema.String, accounts: Schema.String, balance: SignedAmount })
      )
    })
  )
}).annotate({ identifier: "TrialBalance" })
export type TrialBalanceMessage = typeof TrialBalanceMessage.Type

/** Result of a verification of the whole ledger. */
export const LedgerVerificationMessage = Schema.Union([
  Schema.Struct({
    ok: Schema.Literal(true),
    accounts: Schema.Int,
    entries: Schema.Int,
    transfers: Schema.Int
  }),
  Schema.Struct({
    ok: Schema.Literal(false),
    /** The first account that does not fit; null if a transfer or the sum of an asset does not. */
    account: Schema.NullOr(Schema.String),
    transfer: Schema.NullOr(Schema.String),
    reason: Schema.String
  })
]).annotate({ identifier: "LedgerVerification" })

/** Request body: a correction of a balance. */
export const AdjustmentBody = Schema.Struct({
  account: LedgerAccountId,
  /** Change of the balance, negative to decrease it. */
  amount: Schema.String,
  reason: Reason
}).annotate({ identifier: "LedgerAdjustmentRequest" })

/** Request body: why. */
export const LedgerReasonBody = Schema.Struct({ reason: Reason }).annotate({ identifier: "LedgerReason" })

/** A correction of a balance. */
export const AdjustmentMessage = Schema.Struct({
  /** Also the id of its transfer, once it is posted. */
  id: Schema.String,
  account: LedgerAccountId,
  asset: AssetCode,
  amount: SignedAmount,
  reason: Schema.String,
  requested_by: Schema.String,
  requested_at: TimestampText,
  state: AdjustmentState,
  /** The second administrator; null while it is pending, and if none was needed. */
  decided_by: Schema.NullOr(Schema.String),
  decided_at: Schema.NullOr(TimestampText),
  decision_reason: Schema.NullOr(Schema.String)
}).annotate({ identifier: "LedgerAdjustment" })
export type AdjustmentMessage = typeof AdjustmentMessage.Type

export const AdjustmentPage = Schema.Struct(PageMessage.page(AdjustmentMessage)).annotate({
  identifier: "LedgerAdjustmentPage"
})
