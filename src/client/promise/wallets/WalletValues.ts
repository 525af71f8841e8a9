import type { SecurityEvent } from "../accounts/AccountValues.ts"
import type { Order } from "../orders/OrderValues.ts"
import type { Conversion } from "../Values.ts"

/** Balance of a wallet in one asset. Amounts are decimal text. */
export interface Balance {
  readonly asset: string
  readonly balance: string
  /** Part of the balance that is reserved, such as for a withdrawal in progress. */
  readonly held: string
  /** Amount that can be spent: the balance minus what is held. */
  readonly available: string
}

/** The balances of a user. */
export interface Wallet {
  readonly walletId: string
  /** Balance in `currency`, the home currency of the server. */
  readonly balance: string
  readonly currency: string
  /** One for each asset that the wallet ever had, by code. */
  readonly balances: ReadonlyArray<Balance>
  readonly total: TotalValue
}

/** Value of all balances in the home currency, at the latest rates. */
export interface TotalValue {
  readonly currency: string
  readonly value: string
  /** Time of the oldest rate. */
  readonly asOf: Date
  /** False if the value lacks an asset. */
  readonly complete: boolean
  readonly rates: ReadonlyArray<{
    readonly pair: string
    readonly rate: string
    readonly rateId: string
    readonly asOf: Date
    readonly stale: boolean
  }>
  /** Assets without a price now, which the value lacks. */
  readonly unpriced: ReadonlyArray<string>
}

/** The balances of a user at a time. */
export interface WalletAt {
  readonly walletId: string
  readonly time: Date
  readonly balances: ReadonlyArray<{ readonly asset: string; readonly balance: string }>
}

/** Opening and closing balances of a period. */
export interface AccountStatement {
  readonly walletId: string
  readonly username: string
  readonly since: Date
  /** The period ends before it. */
  readonly until: Date
  readonly balances: ReadonlyArray<{
    readonly asset: string
    readonly opening: string
    readonly closing: string
    /** Closing minus opening balance. */
    readonly change: string
    /** Number of movements. */
    readonly movements: number
  }>
}

/** Receiver of a transfer. */
export interface Recipient {
  readonly walletId: string
  readonly username: string
}

/** One movement of one balance. Amounts are decimal text. */
export interface Transaction {
  /** Both movements of a conversion have the same. */
  readonly id: string
  /** Such as `transfer`, `deposit`, `withdrawal` or `conversion`. */
  readonly type: string
  readonly asset: string
  /** Without a sign. */
  readonly amount: string
  /** The amount, negative if it left the wallet. */
  readonly change: string
  /** Balance of the asset after the movement. */
  readonly balance: string
  /** The user on the other side of a transfer. */
  readonly counterparty: string | null
  readonly note: string | null
  /** Reference of a payment outside of effex. */
  readonly reference: string | null
  readonly orderId: string | null
  readonly conversionId: string | null
  readonly createdAt: Date
}

/** `rejected` and `expired`: the money is free again. */
export type TransferState = "held-for-review" | "completed" | "rejected" | "expired"

/** A transfer and its state. Its money is held while it waits for a review. */
export interface Transfer {
  readonly id: string
  readonly state: TransferState
  readonly type: "transfer"
  readonly asset: string
  readonly amount: string
  readonly counterparty: string | null
  readonly note: string | null
  readonly createdAt: Date
  /** The movement in the statement. Null unless `completed`. */
  readonly transactionId: string | null
}

/**
 * A transfer that was sent: its movement in the statement, or, if a rule of the operator holds it for review, the transfer
 * without one.
 */
export type SentTransfer =
  | (Transaction & { readonly state: "completed" })
  | (Transfer & { readonly state: Exclude<TransferState, "completed"> })

/** A transaction with each movement that it made in the wallet. */
export interface TransactionMovements {
  readonly id: string
  readonly type: string
  readonly createdAt: Date
  readonly movements: ReadonlyArray<Transaction>
}

export type FundingDirection = "deposit" | "withdrawal"
export type FundingState = "pending" | "completed" | "failed"

/** A deposit or a withdrawal. */
export interface Funding {
  readonly id: string
  readonly direction: FundingDirection
  /** `pending` until the outcome is known; then `completed` or `failed`, for good. */
  readonly state: FundingState
  readonly asset: string
  readonly amount: string
  /** True if the built-in sandbox decided: no payment has been made. */
  readonly sandbox: boolean
  readonly note: string | null
  /** Reference of the payment, once completed. */
  readonly reference: string | null
  /** Reason of the failure. */
  readonly reason: string | null
  /** The transaction of the statement, once completed. */
  readonly transactionId: string | null
  readonly createdAt: Date
  readonly settledAt: Date | null
}

/** A new deposit or withdrawal, with the balance of its asset afterwards. */
export interface FundingReceipt extends Funding, Balance {}

/** A conversion in a wallet. */
export interface WalletConversion {
  readonly conversion: Conversion
  /** Amounts that left the wallet and came in. */
  readonly transactions: ReadonlyArray<Transaction>
  /** Balances of both currencies after the conversion. */
  readonly balances: ReadonlyArray<{ readonly asset: string; readonly balance: string }>
}

/** `rejected`, `expired` and `cancelled`: the money is free again. */
export type WalletConversionState = "held-for-review" | "completed" | "rejected" | "expired" | "cancelled"

/** A conversion in a wallet and its state. Its money is held while it waits for a review. */
export interface ReviewedConversion {
  readonly id: string
  readonly state: WalletConversionState
  readonly type: "conversion"
  /** Currency to pay with. */
  readonly asset: string
  /** Amount that is held, and exchanged after an approval. */
  readonly amount: string
  /** Currency to receive. */
  readonly to: string
  readonly reference: string | null
  readonly createdAt: Date
  /** The movements in the statement, and the record in the audit. Null unless `completed`. */
  readonly transactionId: string | null
}

/** A conversion that was requested: committed, or, if a rule of the operator holds it for review, its state. */
export type RequestedConversion =
  | (WalletConversion & { readonly state: "completed" })
  | (ReviewedConversion & { readonly state: Exclude<WalletConversionState, "completed"> })

/**
 * An event of a user: all balances (`snapshot`), a changed balance, a transaction, an order as it is now, a security event, or skipped
 * events (`gap`, followed by a snapshot). Pass `position` as `since` to resume after the event.
 */
export type WalletEvent =
  | { readonly type: "snapshot"; readonly position: string; readonly balances: ReadonlyArray<Balance> }
  | { readonly type: "balance"; readonly position: string; readonly balance: Balance }
  | { readonly type: "transaction"; readonly position: string; readonly transaction: Transaction }
  | { readonly type: "order"; readonly position: string; readonly order: Order }
  | { readonly type: "security"; readonly position: string; readonly event: SecurityEvent }
  | { readonly type: "gap"; readonly position: string; readonly since: string }
