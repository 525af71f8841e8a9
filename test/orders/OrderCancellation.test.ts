import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import { TransferId } from "../../src/domain/ledger/LedgerPosting.ts"
import { OrderAdministration } from "../../src/orders/OrderAdministration.ts"
import { OrderRepo } from "../../src/orders/OrderRepo.ts"
import { Orders } from "../../src/orders/Orders.ts"
import { HeldOrderDecisions } from "../../src/risk/HeldDecisions.ts"
import { Reviews } from "../../src/risk/Reviews.ts"
import * as OpenTransaction from "../support/OpenTransaction.ts"
import * as TestOrders from "../support/TestOrders.ts"
import * as TestReviews from "../support/TestReviews.ts"
import * as TestWallets from "../support/TestWallets.ts"

// Reviews expire by the time of the node.
const LIVE = { excludeTestServices: true }

layer(TestReviews.layer(), LIVE)("The cancellation of a held order", (it) => {
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

const administration = OrderAdministration.layer.pipe(Layer.provide(OrderRepo.layer))

layer(administration.pipe(Layer.provideMerge(TestReviews.layer({ RISK_REVIEW_EXPIRY: "1 second" }))), LIVE)(
  "The cancellation of a held order whose review has expired",
  (it) => {
    for (const by of ["user", "administrator"] as const) {
      it.effect(
        `by ${by === "user" ? "its user" : "an administrator"} is refused, and the order has failed`,
        () =>
          Effect.gen(function* () {
            yield* TestOrders.list("LATE", "10")
            const owner = yield* TestWallets.user(`late-${by}`, { USD: "100" })
            const { order } = yield* TestReviews.unpriced(TestOrders.place(owner, "buy", "LATE", "3"))
            const review = Effect.flatMap(Reviews, ({ find }) => find(TransferId.make(order.id)))
            while (Option.getOrThrow(yield* review).state === "pending") yield* Effect.sleep("50 millis")
            const orders = yield* Orders
            const cancelled =
              by === "user"
                ? orders.cancel(owner.id, order.id, `user:${owner.userId}`)
                : (yield* OrderAdministration).cancel({
                    id: order.id,
                    principal: "user:admin",
                    reason: "late"
                  })
            assert.include(yield* Effect.flip(cancelled), { _tag: "OrderNotCancellable", state: "failed" })
            assert.deepStrictEqual(yield* TestOrders.stateOf(order), ["failed", "review-expired", "0", "0"])
            assert.deepStrictEqual(yield* TestWallets.balances(owner), ["USD 100"])
            assert.include(Option.getOrThrow(yield* review), {
              state: "expired",
              decidedBy: null,
              transfer: null
            })
            assert.strictEqual(yield* (yield* HeldOrderDecisions).expireDue, 0)
          })
      )
    }
  }
)
