import type { OrderSide, OrderState } from "../orders/OrderValues.ts"

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

/** A movement for which a rule fired. */
interface JudgedMovement {
  readonly id: string
  readonly walletId: string
  readonly username: string
  readonly kind: "transfer" | "withdrawal" | "conversion" | "order"
  readonly asset: string
  readonly amount: string
  /** In the home currency. Null without a price. */
  readonly value: string | null
  readonly rules: ReadonlyArray<FiredRule>
  readonly createdAt: Date
}

/** A movement whose money is held until an administrator decides. */
export interface Review extends JudgedMovement {
  readonly state: ReviewState
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

/** The decision of the rules on a movement. */
export interface RiskDecision extends JudgedMovement {
  readonly outcome: FiredRule["outcome"]
  /** The transfer of the ledger. Null for a denied movement. */
  readonly transferId: string | null
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
