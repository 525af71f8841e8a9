import { type DateTime, Schema } from "effect"

/**
 * - `review`: an administrator decides on it
 * - `pool`: it waits for more orders
 * - `queued`: it is sent as soon as it is its turn
 * - `market-closed`: the market of the asset is closed
 * - `exchange-unavailable`: the exchange does not answer, and nothing was sent
 * - `retrying`: the last attempt to send it failed, and nothing was sent
 * - `open-at-exchange`: the exchange has it, and has not ended it
 * - `outcome-unknown`: it may be at the exchange, which is asked before anything is sent again
 * - `settling`: the exchange has ended it, and its money is about to move
 * - `administrator`: too many attempts failed, and an administrator has to continue it
 */
export const OrderWaitReason = Schema.Literals([
  "review",
  "pool",
  "queued",
  "market-closed",
  "exchange-unavailable",
  "retrying",
  "open-at-exchange",
  "outcome-unknown",
  "settling",
  "administrator"
])
export type OrderWaitReason = typeof OrderWaitReason.Type

/** Reason for which an order has not ended yet. Its money stays held meanwhile. */
export interface OrderWait {
  readonly reason: OrderWaitReason
  /** When it is tried, or looked up, again; null if something else has to happen first. */
  readonly nextAttemptAt: DateTime.Utc | null
}
