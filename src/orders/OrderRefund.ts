import { BigDecimal, Effect } from "effect"
import { SecureRandom } from "effect/crypto"
import { TransferId } from "../domain/ledger/LedgerPosting.ts"
import type { Order } from "../domain/orders/Order.ts"
import { Ledger } from "../ledger/Ledger.ts"

const ZERO = BigDecimal.make(0n, 0)

/**
 * Creates the function that voids the hold of an order that no batch has, in the open transaction of the caller, and returns the
 * transfer that did.
 */
export const make = Effect.gen(function* () {
  const ledger = yield* Ledger
  const random = yield* SecureRandom.SecureRandom

  return Effect.fnUntraced(function* ({ holdId, id }: Pick<Order, "id" | "holdId">, reason: string) {
    const transfer = TransferId.make(yield* random.uuidV7())
    const [outcome] = yield* ledger.postWithin([
      {
        id: transfer,
        kind: "order.refund",
        details: { order_id: id, reason },
        entries: [],
        opens: [],
        ends: [{ holdId, outcome: "voided", posted: ZERO }]
      }
    ])
    // Rolls back: the order stays as it is.
    if (outcome?._tag !== "Posted") return yield* Effect.die(`the hold of order ${id} cannot be released`)
    return transfer
  })
})
