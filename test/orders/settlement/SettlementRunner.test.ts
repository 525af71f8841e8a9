import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Metric } from "effect"
import { SettlementSignal } from "../../../src/orders/settlement/SettlementSignal.ts"
import * as SettlementRunner from "../../../src/orders/settlement/SettlementRunner.ts"
import * as OrderMetrics from "../../../src/platform/metrics/OrderMetrics.ts"
import { Database } from "../../../src/platform/postgres/Database.ts"
import { ScriptedExchange } from "../../support/ScriptedExchange.ts"
import * as SqlStatements from "../../support/SqlStatements.ts"
import * as TestOrders from "../../support/TestOrders.ts"
import * as TestWallets from "../../support/TestWallets.ts"

const { list, place, stateOf } = TestOrders

layer(TestOrders.layer(), { excludeTestServices: true })("SettlementRunner", (it) => {
  it.effect("settles orders in the background, and measures what waits", () =>
    Effect.gen(function* () {
      yield* list("BACK", "10")
      const ann = yield* TestWallets.user("ann", { USD: "100" })
      yield* (yield* ScriptedExchange).always({ does: "fill", price: "10" })
      const { order: waiting } = yield* place(ann, "buy", "BACK", "0.5")
      yield* SettlementRunner.measure
      assert.strictEqual((yield* Metric.value(OrderMetrics.unsettled)).value, 1)
      yield* Effect.gen(function* () {
        yield* Layer.build(SettlementRunner.layerBackground)
        const { order } = yield* place(ann, "buy", "BACK", "2")
        while ((yield* stateOf(order))[0] !== "completed") yield* Effect.sleep("20 millis")
      }).pipe(Effect.scoped)
      assert.deepStrictEqual(yield* stateOf(waiting), ["aggregated", null, null, null])
      assert.deepStrictEqual(yield* TestWallets.balances(ann), ["BACK 2", "USD 75"])
    })
  )

  it.effect("counts signals that nobody waited for as one", () =>
    Effect.gen(function* () {
      const { notify, wait } = yield* SettlementSignal
      yield* notify
      yield* notify
      yield* wait
      assert.isTrue((yield* Effect.timeoutOption(wait, "20 millis"))._tag === "None")
    })
  )

  it.effect("finds the age of unsettled orders by indexes, without a query for each order", () =>
    Effect.gen(function* () {
      const { sql } = yield* Database
      const text = (yield* SqlStatements.of(SettlementRunner.measure)).find((query) =>
        query.includes("AS unsettled")
      )
      assert.isDefined(text)
      const plan = yield* sql.withTransaction(
        Effect.andThen(
          // A small table would be read without an index.
          sql`SET LOCAL enable_seqscan = off`,
          sql.unsafe(`EXPLAIN ${text}`, [new Date(0)]).values
        )
      )
      const lines = plan.flat().join("\n")
      assert.match(lines, /customer_order_unsettled/)
      assert.notMatch(lines, /Seq Scan|SubPlan/)
    })
  )
})
