import { assert, layer } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { TransferId } from "../../src/domain/ledger/LedgerPosting.ts"
import { Orders } from "../../src/orders/Orders.ts"
import { Database } from "../../src/platform/postgres/Database.ts"
import { Reviews } from "../../src/risk/Reviews.ts"
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
      const { sql } = yield* Database
      const { cancel } = yield* Orders
      const isLocked = yield* Deferred.make<void>()
      const isRefused = yield* Deferred.make<void>()
      const decision = yield* lockWithin(TransferId.make(order.id)).pipe(
        Effect.andThen(Deferred.succeed(isLocked, undefined)),
        Effect.andThen(Deferred.await(isRefused)),
        sql.withTransaction,
        Effect.forkChild
      )
      yield* Deferred.await(isLocked)
      const refusal = yield* Effect.flip(cancel(stranger.id, order.id, `user:${stranger.userId}`))
      assert.strictEqual(refusal._tag, "OrderNotFound")
      yield* Deferred.succeed(isRefused, undefined)
      yield* Fiber.join(decision)
      assert.include(yield* cancel(owner.id, order.id, `user:${owner.userId}`), { state: "cancelled" })
      assert.deepStrictEqual(yield* TestWallets.balances(owner), ["USD 100"])
    })
  )
})
