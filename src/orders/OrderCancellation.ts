import { DateTime, Effect, Option } from "effect"
import { TransferId } from "../domain/ledger/LedgerPosting.ts"
import type { OrderId } from "../domain/orders/Order.ts"
import type { WalletId } from "../domain/wallets/Wallet.ts"
import { Reviews } from "../risk/Reviews.ts"
import * as HeldOrderFailure from "./HeldOrderFailure.ts"
import * as OrderRefund from "./OrderRefund.ts"
import { OrderRepo } from "./OrderRepo.ts"

/** Principal that cancels an order, and the reason. */
export interface Cancellation {
  readonly principal: string
  /** Shown to the user with the order. */
  readonly orderReason: string | null
  /** Recorded with the end of its review, if it is held for one. */
  readonly reviewReason: string
}

/**
 * Creates the function that cancels an order that waits in a pool or is held for review, and voids its hold, in the open
 * transaction of the caller. Returns none for an order in any other state, and for one whose review has expired: that one fails, as
 * it would within seconds without the cancellation.
 */
export const make = Effect.gen(function* () {
  const failHeld = yield* HeldOrderFailure.make
  const repo = yield* OrderRepo
  const refund = yield* OrderRefund.make
  const reviews = yield* Reviews

  return Effect.fnUntraced(function* (
    wallet: WalletId,
    id: OrderId,
    { orderReason, principal, reviewReason }: Cancellation
  ) {
    // Before the lock, so that no user delays decisions on what others hold.
    if (!(yield* repo.existsWithin(wallet, id))) return Option.none()
    const review = yield* reviews.lockWithin(TransferId.make(id))
    const reviewState = Option.map(review, ({ state }) => state)
    if (Option.contains(reviewState, "expired")) {
      yield* failHeld(id, HeldOrderFailure.EXPIRED)
      return Option.none()
    }
    const cancelled = yield* repo.cancel(wallet, id, orderReason, yield* DateTime.now)
    if (Option.isNone(cancelled)) return cancelled
    const transfer = yield* refund(cancelled.value, "cancelled")
    // The order of a review that was approved before waits in a pool.
    if (Option.contains(reviewState, "pending"))
      yield* reviews.cancelWithin({ id: TransferId.make(id), principal, reason: reviewReason }, transfer)
    return cancelled
  })
})
