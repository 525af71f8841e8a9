import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { ScriptedExchange } from "../support/ScriptedExchange.ts"
import * as TestOrders from "../support/TestOrders.ts"
import * as TestWallets from "../support/TestWallets.ts"

layer(TestOrders.layer())("Settlement", (it) => {
  it.effect("sends an order of at least the threshold at once, and charges the locked price", () =>
    Effect.gen(function* () {
      const ann = yield* TestWallets.user("ann", { USD: "100" })
      const exchange = yield* ScriptedExchange
      yield* exchange.always({ does: "fill", price: "3.9" })
      const { order } = yield* TestOrders.place(ann, "buy", "ABAN", "3")
      assert.deepStrictEqual(yield* TestWallets.balances(ann), ["USD 88"])
      assert.deepStrictEqual([order.state, order.isAggregated], ["pending", false])
      yield* TestOrders.settle
      assert.deepStrictEqual(yield* TestOrders.stateOf(order), ["completed", null, "3", "12"])
      assert.deepStrictEqual(yield* TestWallets.balances(ann), ["ABAN 3", "USD 88"])
      assert.deepStrictEqual(yield* TestOrders.house, [
        "exchange ABAN -3",
        "exchange USD 11.7",
        "slippage USD 0.3"
      ])
      assert.strictEqual(yield* TestOrders.openHolds, 0)
    })
  )
})
