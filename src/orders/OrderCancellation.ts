import { BigDecimal, DateTime, Effect, Option } from "effect"
import { SecureRandom } from "effect/crypto"
import { TransferId } from "../domain/ledger/LedgerPosting.ts"
import type { OrderId } from "../domain/orders/Order.ts"
import type { WalletId } from "../domain/wallets/Wallet.ts"
import { Ledger } from "../ledger/Ledger.ts"
import { OrderRepo } from "./OrderRepo.ts"

const ZERO = BigDecimal.make(0n, 0)

/**
 * Creates the function that cancels an order that waits in a pool, and voids its hold, in the open transaction of the caller.
 * Returns none for an order in any other state. `reason` is shown to the user.
 */
export const make = Effect.gen(function* () {
  const ledger = yield* Ledger
  const random = yield* SecureRandom.SecureRandom
  const repo = yield* OrderRepo

  return Effect.fnUntraced(function* (wallet: WalletId, id: OrderId, reason: string | null) {
    const transferId = TransferId.make(yield* random.uuidV7())
    const cancelled = yield* repo.cancel(wallet, id, reason, yield* DateTime.now)
    if (Option.isNone(cancelled)) return cancelled
    const [outcome] = yield* ledger.postWithin([
      {
        id: transferId,
        kind: "order.refund",
        details: { order_id: id, reason: "cancelled" },
        entries: [],
        opens: [],
        ends: [{ holdId: cancelled.value.holdId, outcome: "voided", posted: ZERO }]
      }
    ])
    // Rolls back: the order stays in its pool.
    if (outcome?._tag !== "Posted") return yield* Effect.die(`the hold of order ${id} cannot be released`)
    return cancelled
  })
})
