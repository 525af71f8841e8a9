import { assert, layer } from "@effect/vitest"
import { BigDecimal, Effect, Layer } from "effect"
import { Database } from "../../src/platform/postgres/Database.ts"
import { Orders } from "../../src/orders/Orders.ts"
import { ScriptedExchange } from "../support/ScriptedExchange.ts"
import { list, place } from "../support/TestOrders.ts"
import * as TestOrders from "../support/TestOrders.ts"
import { settle } from "../support/TestSettlement.ts"
import * as TestUserEvents from "../support/TestUserEvents.ts"
import * as TestWallets from "../support/TestWallets.ts"

layer(TestUserEvents.layer.pipe(Layer.provideMerge(TestOrders.layer())), { excludeTestServices: true })(
  "The orders of a user",
  (it) => {
    it.effect("are events when they are placed and cancelled, next to what is held", () =>
      Effect.gen(function* () {
        yield* list("POOL", "1")
        const [amara, bola] = [
          yield* TestWallets.user("amara", { USD: "10" }),
          yield* TestWallets.user("bola", { USD: "10" })
        ]
        const { next, text } = yield* TestUserEvents.open(amara)
        const other = yield* TestUserEvents.open(bola)
        const { position: since } = yield* next
        yield* other.next
        const { order } = yield* place(amara, "buy", "POOL", "2")
        assert.strictEqual(yield* text, "Order POOL aggregated")
        assert.strictEqual(yield* text, "Balance USD 10 2 8")
        yield* (yield* Orders).cancel(amara.id, order.id, "test")
        assert.strictEqual(yield* text, "Order POOL cancelled")
        assert.strictEqual(yield* text, "Balance USD 10 0 10")
        const resumed = yield* TestUserEvents.open(amara, { since })
        assert.strictEqual(yield* resumed.text, "Order POOL cancelled")
        assert.strictEqual(yield* resumed.text, "Snapshot USD 10 0 10")
        yield* place(bola, "buy", "POOL", "3")
        assert.strictEqual(yield* other.text, "Order POOL aggregated")
      })
    )

    it.effect("are not repeated to a reader who starts with a snapshot", () =>
      Effect.gen(function* () {
        yield* list("NEW", "1")
        const chidi = yield* TestWallets.user("chidi", { USD: "50" })
        yield* place(chidi, "buy", "NEW", "1")
        const { text } = yield* TestUserEvents.open(chidi)
        assert.strictEqual(yield* text, "Snapshot USD 50 1 49")
        yield* place(chidi, "buy", "NEW", "2")
        assert.strictEqual(yield* text, "Order NEW aggregated")
        assert.strictEqual(yield* text, "Balance USD 50 3 47")
      })
    )

    it.effect("are events when they are submitted and completed, after the transactions", () =>
      Effect.gen(function* () {
        yield* list("FILL", "1")
        yield* (yield* ScriptedExchange).script([{ does: "open" }])
        const dayo = yield* TestWallets.user("dayo", { USD: "50" })
        const { text } = yield* TestUserEvents.open(dayo)
        yield* text
        yield* place(dayo, "buy", "FILL", "20")
        assert.strictEqual(yield* text, "Order FILL pending")
        assert.strictEqual(yield* text, "Balance USD 50 20 30")
        yield* settle
        // Nothing was posted: a poll finds it.
        assert.strictEqual(yield* text, "Order FILL submitted")
        const twenty = BigDecimal.fromBigInt(20n)
        const [submitted] = yield* (yield* ScriptedExchange).submitted
        if (submitted === undefined) return assert.fail("nothing was submitted")
        yield* (yield* ScriptedExchange).update(submitted.clientOrderId, {
          state: "filled",
          filled: twenty,
          cost: twenty
        })
        const { sql } = yield* Database
        yield* sql`UPDATE settlement_batch SET next_attempt_at = now()`
        yield* settle
        const events = [yield* text, yield* text, yield* text, yield* text, yield* text]
        assert.deepStrictEqual(events, [
          "Transaction USD -20",
          "Transaction FILL 20",
          "Order FILL completed",
          "Balance FILL 20 0 20",
          "Balance USD 30 0 30"
        ])
      })
    )
  }
)
