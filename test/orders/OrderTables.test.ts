import { assert, layer } from "@effect/vitest"
import { Effect, Exit } from "effect"
import { inspect } from "node:util"
import { Database } from "../../src/platform/postgres/Database.ts"
import { ScriptedExchange } from "../support/ScriptedExchange.ts"
import * as TestOrders from "../support/TestOrders.ts"
import * as TestSettlement from "../support/TestSettlement.ts"
import * as TestWallets from "../support/TestWallets.ts"

const assertRejected = Effect.fnUntraced(function* (pattern: RegExp, ...statements: ReadonlyArray<string>) {
  const { sql } = yield* Database
  const exit = yield* Effect.exit(
    sql.withTransaction(
      Effect.andThen(
        Effect.forEach(statements, (statement) => sql.unsafe(statement)),
        sql`SET CONSTRAINTS ALL IMMEDIATE`
      )
    )
  )
  const reason = Exit.isFailure(exit) ? inspect(exit.cause, { depth: 10 }) : "accepted"
  assert.match(reason, pattern, statements.join("; "))
})

const { list, place } = TestOrders
const { settle } = TestSettlement

layer(TestOrders.layer())("Order tables, for their owner", (it) => {
  it.effect("refuse every change of what an order promised, of its history, and of the past", () =>
    Effect.gen(function* () {
      yield* list("OLD", "10")
      const user = yield* TestWallets.user("old", { USD: "100" })
      yield* (yield* ScriptedExchange).always({ does: "fill", price: "10" })
      const { order } = yield* place(user, "buy", "OLD", "2")
      yield* settle
      for (const table of ["customer_order", "settlement_batch", "order_event", "settlement_event"]) {
        yield* assertRejected(/DELETE/, `DELETE FROM ${table}`)
        yield* assertRejected(/TRUNCATE/, `TRUNCATE ${table} CASCADE`)
      }
      for (const table of ["order_event", "settlement_event"])
        yield* assertRejected(/UPDATE/, `UPDATE ${table} SET reason = 'x'`)
      for (const change of [
        "amount = 3",
        "price = 1",
        "total = 1",
        "wallet_id = gen_random_uuid()",
        "asset = 'USD'"
      ])
        yield* assertRejected(
          /promised is immutable/,
          `UPDATE customer_order SET ${change}, version = version + 1`
        )
      for (const state of [
        "held-for-review",
        "pending",
        "aggregated",
        "submitted",
        "failed",
        "cancelled",
        "completed"
      ])
        yield* assertRejected(
          /cannot go from/,
          `UPDATE customer_order SET state = '${state}', version = version + 1 WHERE id = '${order.id}'`
        )
      yield* assertRejected(
        /not in the state of its event/,
        `INSERT INTO order_event VALUES ('${order.id}', 9, 'completed', NULL, now())`
      )
      yield* assertRejected(/immutable/, "UPDATE settlement_batch SET failures = 1")
      // Triggers that always fire do so in a session that replicates too.
      yield* assertRejected(
        /cannot go from/,
        "SET LOCAL session_replication_role = 'replica'",
        "UPDATE customer_order SET state = 'pending'"
      )
    })
  )

  it.effect("refuse an order that is completed before the exchange has ended its own", () =>
    Effect.gen(function* () {
      yield* list("SOON", "10")
      const user = yield* TestWallets.user("soon", { USD: "100" })
      yield* (yield* ScriptedExchange).script([{ does: "open" }])
      const { order } = yield* place(user, "buy", "SOON", "2")
      const complete = `UPDATE customer_order SET state = 'completed', version = version + 1, filled = 2, charged = 20 WHERE id = '${order.id}'`
      yield* assertRejected(/cannot go from pending to completed/, complete)
      yield* settle
      yield* assertRejected(/while its batch is sent/, complete)
      const fill =
        "UPDATE settlement_batch SET state = 'filled', version = version + 1, filled = 2, cost = 20, fee = 0 WHERE state = 'sent'"
      // Not without the posting that ends its hold.
      yield* assertRejected(/hold of order .* does not agree/, fill, complete)
      yield* assertRejected(
        /shares of batch .* are not what was filled/,
        fill,
        "UPDATE settlement_batch SET state = 'allocated', version = version + 1, house_filled = 2 WHERE state = 'filled'"
      )
      yield* assertRejected(
        /cannot go from sent to allocated/,
        "UPDATE settlement_batch SET state = 'allocated', version = version + 1, house_filled = 0, filled = 0, cost = 0, fee = 0 WHERE state = 'sent'"
      )
    })
  )

  it.effect(
    "refuse a batch without the orders that it was made of, and a cancellation that keeps the money",
    () =>
      Effect.gen(function* () {
        yield* list("BACK", "1")
        const user = yield* TestWallets.user("back", { USD: "100" })
        const { order } = yield* place(user, "buy", "BACK", "2")
        yield* assertRejected(
          /hold of order .* does not agree/,
          `UPDATE customer_order SET state = 'cancelled', version = version + 1 WHERE id = '${order.id}'`
        )
        const batch = (amount: number) =>
          `INSERT INTO settlement_batch (id, asset, side, is_aggregated, orders, customer_amount, total, state, version, term, next_attempt_at, created_at, updated_at)
          VALUES ('01980000-0000-7000-8000-00000000000a', 'BACK', 'buy', true, 1, ${amount}, 2, 'reserved', 1, 1, now(), now(), now())`
        yield* assertRejected(/does not have the orders/, batch(2))
        const claim = `UPDATE customer_order SET state = 'submitted', version = version + 1, batch_id = '01980000-0000-7000-8000-00000000000a' WHERE id = '${order.id}'`
        yield* assertRejected(/does not have the orders/, batch(3), claim)
        yield* assertRejected(/accepted/, batch(2), claim)
      })
  )

  it.effect("refuse an order that joins a batch later, and a batch of an order whose hold has ended", () =>
    Effect.gen(function* () {
      yield* list("LATE", "10")
      const user = yield* TestWallets.user("late", { USD: "100" })
      yield* (yield* ScriptedExchange).script([{ does: "open" }])
      yield* place(user, "buy", "LATE", "2")
      yield* settle
      const { order } = yield* place(user, "buy", "LATE", "0.1")
      const join = (batch: string) =>
        `UPDATE customer_order SET state = 'submitted', version = version + 1, batch_id = ${batch} WHERE id = '${order.id}'`
      yield* assertRejected(
        /while its batch is sent/,
        join("(SELECT id FROM settlement_batch WHERE asset = 'LATE')")
      )
      yield* assertRejected(/while its batch is <NULL>/, join("gen_random_uuid()"))
      const batch = `
        INSERT INTO settlement_batch (id, asset, side, is_aggregated, orders, customer_amount, total, state, version, term,
          next_attempt_at, created_at, updated_at)
        SELECT '01980000-0000-7000-8000-00000000000b', asset, side, is_aggregated, 1, amount, total, 'reserved', 1, 1, now(), now(), now()
        FROM customer_order WHERE id = '${order.id}'`
      const release = `
        INSERT INTO ledger_hold_end (hold_id, transfer_id, outcome, posted, ended_at)
        SELECT hold_id, gen_random_uuid(), 'voided', 0, now() FROM customer_order WHERE id = '${order.id}'`
      const joined = join("'01980000-0000-7000-8000-00000000000b'")
      yield* assertRejected(/hold of an order of batch .* does not agree/, batch, joined, release)
      yield* place(user, "buy", "LATE", "0.1")
      const others = `
        UPDATE customer_order SET state = 'submitted', version = version + 1, batch_id = '01980000-0000-7000-8000-00000000000b'
        WHERE state = 'aggregated' AND asset = 'LATE'`
      yield* assertRejected(/does not have the orders/, batch, joined, others)
      yield* assertRejected(/accepted/, batch, joined)
    })
  )

  it.effect("refuse events of orders, and ends of holds, that do not exist", () =>
    Effect.gen(function* () {
      yield* assertRejected(
        /not in the state of its event/,
        "INSERT INTO order_event VALUES (gen_random_uuid(), 1, 'completed', NULL, now())"
      )
      yield* assertRejected(
        /end of hold .* is not stored/,
        "INSERT INTO ledger_hold_end (hold_id, transfer_id, outcome, posted, ended_at) VALUES (gen_random_uuid(), gen_random_uuid(), 'voided', 0, now())"
      )
    })
  )
})
