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
