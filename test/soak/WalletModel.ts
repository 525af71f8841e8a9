/** Currency of deposits, transfers and withdrawals. Its value needs no rate. */
export const HOME = "USD"

/** A request that moves money. */
export interface Movement {
  readonly kind: "deposit" | "withdraw" | "transfer" | "convert"
  /** Unique, also among users. */
  readonly key: string
  readonly user: string
  readonly cents: bigint
  /** Username of the recipient, or the currency that is received. */
  readonly to: string | undefined
}

/** What a client knows of a movement: its id if it was accepted, `refused` for lack of funds. */
export type Outcome = { readonly id: string; readonly received: string | undefined } | "refused" | "unknown"

/** What clients know about movements, by key. */
export type WalletModel = Map<string, { readonly movement: Movement; readonly outcome: Outcome }>

/** Cents as an amount, such as `12.34`. */
export const amountOf = (cents: bigint) => `${cents / 100n}.${String(cents % 100n).padStart(2, "0")}`
