import type { User } from "../accounts/AccountValues.ts"
import type { OrderSide, OrderState } from "../orders/OrderValues.ts"
import type { Asset } from "../Values.ts"
import type { Funding } from "../wallets/WalletValues.ts"

/** A user, as administrators see it. */
export interface ManagedUser extends User {
  /** Null if the user is not locked. */
  readonly lockedAt: Date | null
}

/** Action of an administrator. */
export interface AdminAction {
  readonly id: string
  readonly at: Date
  /** `user:<id>` of an administrator, the id of an API key, or `cli:<name>`. */
  readonly principal: string
  readonly action: string
  /** Subject of the action, such as the id of a user. */
  readonly subject: string
  readonly reason: string | null
  readonly details: Readonly<Record<string, unknown>>
}

/** A deposit or a withdrawal, as administrators see it. */
export interface ManagedFunding extends Funding {
  readonly walletId: string
  readonly username: string
  readonly provider: "sandbox" | "manual"
  readonly requestedBy: string
  /** The administrator who decided. Null while pending, and if the provider did. */
  readonly settledBy: string | null
}

/** A rule that fired for a movement. */
export interface FiredRule {
  readonly rule: string
  readonly outcome: "allow" | "review" | "deny"
  readonly detail: string
  readonly remaining: string | null
  readonly resetsAt: Date | null
}

/** `cancelled`: the order that was held was cancelled. */
export type ReviewState = "pending" | "approved" | "rejected" | "expired" | "cancelled"

/** A movement whose money is held until an administrator decides. */
export interface Review {
  readonly id: string
  readonly state: ReviewState
  readonly walletId: string
  readonly username: string
  readonly kind: "transfer" | "withdrawal" | "conversion" | "order"
  readonly asset: string
  readonly amount: string
  /** In the home currency. Null without a price. */
  readonly value: string | null
  readonly rules: ReadonlyArray<FiredRule>
  readonly createdAt: Date
  readonly counterparty: string | null
  readonly note: string | null
  /** An order that is or was held, as it is now. Null for another kind. */
  readonly order: {
    readonly side: OrderSide
    readonly asset: string
    readonly amount: string
    /** Locked US dollars per unit. */
    readonly price: string
    readonly totalPrice: string
    readonly state: OrderState
    readonly reason: string | null
  } | null
  /** Requested conversion at the price of that time. Null for another kind. */
  readonly conversion: {
    readonly to: string
    readonly amount: string
    readonly amountType: "source" | "target"
    readonly outputAmount: string
    readonly rate: string
    readonly quoteId: string | null
    readonly reference: string | null
  } | null
  /** After this time, the movement is rejected. */
  readonly expiresAt: Date
  readonly decidedBy: string | null
  readonly decidedAt: Date | null
  readonly reason: string | null
  readonly transferId: string | null
}

/** A movement for which a rule fired. */
export interface RiskDecision {
  readonly id: string
  readonly outcome: "allow" | "review" | "deny"
  /** The transfer of the ledger. Null for a denied movement. */
  readonly transferId: string | null
  readonly walletId: string
  readonly username: string
  readonly kind: "transfer" | "withdrawal" | "conversion" | "order"
  readonly asset: string
  readonly amount: string
  readonly value: string | null
  readonly rules: ReadonlyArray<FiredRule>
  readonly createdAt: Date
}

/** All rules by name, as the server sends them: read, change and send them back. */
export type RiskRules = Readonly<Record<string, Readonly<Record<string, string | number | boolean>>>>

/** Rules that apply, and who changed them. */
export interface ActiveRiskRules {
  readonly rules: RiskRules
  /** `setting`: the settings RISK_*, because the database has no rules. */
  readonly source: "database" | "setting"
  /** Increments with each change. 0 before the first. */
  readonly version: number
  readonly changedAt: Date | null
  readonly changedBy: string | null
}

/** An account of the ledger. Amounts are decimal text. */
export interface LedgerAccount {
  readonly id: string
  /** Id of the wallet. Null for an account of the house. */
  readonly owner: string | null
  readonly role: string
  readonly asset: string
  readonly balance: string
  readonly held: string
  readonly available: string
  /** Number of entries. */
  readonly version: string
  readonly frozenAt: Date | null
}

/** An entry of an account. */
export interface LedgerEntry {
  readonly transferId: string
  readonly account: string
  readonly version: string
  readonly asset: string
  readonly amount: string
  /** Balance of the account after the entry. */
  readonly balance: string
  readonly kind: string
  readonly postedAt: Date
}

interface Hold {
  readonly holdId: string
  readonly account: string
  readonly amount: string
}

/** A transfer of the ledger with its entries, and the holds that it opened or ended. */
export interface LedgerTransfer {
  readonly id: string
  readonly kind: string
  readonly details: unknown
  readonly postedAt: Date
  readonly entries: ReadonlyArray<LedgerEntry>
  readonly openedHolds: ReadonlyArray<Hold>
  readonly endedHolds: ReadonlyArray<
    Hold & { readonly outcome: "posted" | "voided"; readonly posted: string }
  >
}

/** Balances by asset and role. The balances of each asset add up to zero. */
export interface TrialBalance {
  /** The requested time. Null for now. */
  readonly at: Date | null
  readonly balanced: boolean
  readonly assets: ReadonlyArray<{
    readonly asset: string
    readonly total: string
    readonly roles: ReadonlyArray<{
      readonly role: string
      readonly accounts: string
      readonly balance: string
    }>
  }>
}

/** Result of recomputing the whole ledger. */
export type LedgerVerification =
  | { readonly ok: true; readonly accounts: number; readonly entries: number; readonly transfers: number }
  | {
      readonly ok: false
      readonly account: string | null
      readonly transfer: string | null
      readonly reason: string
    }

/** A correction of a balance. */
export interface Adjustment {
  /** Also the id of its transfer, once it is posted. */
  readonly id: string
  readonly account: string
  readonly asset: string
  readonly amount: string
  readonly reason: string
  readonly requestedBy: string
  readonly requestedAt: Date
  /** `pending` until another administrator decides. */
  readonly state: "pending" | "posted" | "rejected"
  readonly decidedBy: string | null
  readonly decidedAt: Date | null
  readonly decisionReason: string | null
}

/** An asset, as operators see it. */
export interface CatalogAsset extends Asset {
  /** Names of the asset at price providers. A provider without an entry uses the code. */
  readonly providerSymbols: Readonly<Record<string, string>>
  readonly exchangeSymbol: string | null
  /** Increments with each change. */
  readonly version: number
  readonly changedAt: Date
  readonly changedBy: string
}

export type BatchState = "reserved" | "sent" | "filled" | "rejected" | "allocated"

/** One order at the exchange, for one or more orders of users. Amounts are decimal text. */
export interface Batch {
  /** Also the client order id at the exchange. */
  readonly id: string
  readonly asset: string
  readonly side: OrderSide
  readonly isAggregated: boolean
  readonly orders: number
  /** Sum of the amounts of the orders. */
  readonly amount: string
  /** Sum of their totals, in US dollars. */
  readonly total: string
  readonly state: BatchState
  readonly reason: string | null
  readonly detail: string | null
  readonly exchange: string | null
  readonly exchangeOrderId: string | null
  /** Amount ordered at the exchange. */
  readonly exchangeAmount: string | null
  /** Price against which the locked prices were compared. */
  readonly rate: string | null
  readonly filled: string | null
  readonly cost: string | null
  readonly fee: string | null
  readonly houseFilled: string | null
  readonly submissions: number
  readonly failures: number
  readonly lastError: string | null
  readonly nextAttemptAt: Date
  /** Set once settling was given up: retry it. */
  readonly deadAt: Date | null
  readonly createdAt: Date
  readonly updatedAt: Date
}

/** A batch with every state that it had, oldest first. */
export interface BatchDetail extends Batch {
  readonly history: ReadonlyArray<{
    readonly state: BatchState
    /** Leader term that made the change. */
    readonly term: string
    readonly reason: string | null
    readonly detail: string | null
    readonly at: Date
  }>
}

/** A change of an asset. `from` is null for a new one. */
export interface CatalogChange {
  readonly from: CatalogAsset | null
  readonly to: CatalogAsset
}
