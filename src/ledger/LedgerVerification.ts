/** Result of a verification of the ledger. */
export type LedgerVerification =
  | {
      readonly ok: true
      readonly accounts: number
      readonly entries: number
      readonly transfers: number
    }
  | ({ readonly ok: false } & LedgerFault)

/** The first thing that does not fit. */
export interface LedgerFault {
  /** Account that does not fit; null if a transfer or an asset does not. */
  readonly account: string | null
  readonly transfer: string | null
  readonly reason: string
}
