import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { TransferId } from "../../src/domain/ledger/LedgerPosting.ts"
import { Orders } from "../../src/orders/Orders.ts"
import { Reviews } from "../../src/risk/Reviews.ts"
import * as OpenTransaction from "../support/OpenTransaction.ts"
import * as TestOrders from "../support/TestOrders.ts"
import * as TestReviews from "../support/TestReviews.ts"
import * as TestWallets from "../support/TestWallets.ts"

// Reviews expire by the time of the node.
layer(TestReviews.layer(), { excludeTestServices: true })("The cancellation of a held order", (it) => {
  it.effect("of somebody else is refused without a lock on its review", () =>
    Effect.gen(function* () {
      yield* TestOrders.list("LOCK", "10")
      const owner = yield* TestWallets.user("lock-owner", { USD: "100" })
      const stranger = yield* TestWallets.user("lock-stranger", { USD: "100" })
      const { order } = yield* TestReviews.unpriced(TestOrders.place(owner, "buy", "LOCK", "3"))
      const { lockWithin } = yield* Reviews
      const { cancel } = yield* Orders
      const refusal = yield* OpenTransaction.during(
        lockWithin(TransferId.make(order.id)),
        Effect.flip(cancel(stranger.id, order.id, `user:${stranger.userId}`))
      )
      assert.strictEqual(refusal._tag, "OrderNotFound")
      assert.include(yield* cancel(owner.id, order.id, `user:${owner.userId}`), { state: "cancelled" })
      assert.deepStrictEqual(yield* TestWallets.balances(owner), ["USD 100"])
    })
  )
})
