import type { BigDecimal, DateTime, Schema } from "effect"
import type { AssetCode } from "../money/Asset.ts"
import type { LedgerAccountId } from "./LedgerAccount.ts"
import type { HoldId, TransferId } from "./LedgerPosting.ts"

/** A stored entry. Immutable. */
export interface LedgerEntry {
  readonly transferId: TransferId
  readonly account: LedgerAccountId
  /** Position in the history of the account, from 1 without gaps. */
  readonly version: bigint
  readonly asset: AssetCode
  /** Signed, never zero. */
  readonly amount: BigDecimal.BigDecimal
  /** Balance of the account after the entry. */
  readonly balance: BigDecimal.BigDecimal
  readonly kind: string
  readonly postedAt: DateTime.Utc
}

/** A hold that a transfer opened or ended. */
export interface TransferHold {
  readonly holdId: HoldId
  readonly account: LedgerAccountId
  readonly amount: BigDecimal.BigDecimal
}

/** A stored transfer. Immutable. */
export interface LedgerTransfer {
  readonly id: TransferId
  readonly kind: string
  readonly details: Schema.Json
  readonly postedAt: DateTime.Utc
  readonly entries: ReadonlyArray<LedgerEntry>
  readonly opened: ReadonlyArray<TransferHold>
  readonly ended: ReadonlyArray<
    TransferHold & { readonly outcome: "posted" | "voided"; readonly posted: BigDecimal.BigDecimal }
  >
}

/** Balance of an account at a moment. */
export interface BalanceAt {
  readonly account: LedgerAccountId
  readonly owner: string | null
  readonly role: string
  readonly asset: AssetCode
  readonly balance: BigDecimal.BigDecimal
}

/** Sum of the balances of all accounts of a role in an asset. */
export interface TrialBalanceRow {
  readonly asset: AssetCode
  readonly role: string
  readonly accounts: bigint
  readonly balance: BigDecimal.BigDecimal
}
