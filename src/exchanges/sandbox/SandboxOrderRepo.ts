import { Array, Effect, Option, Schema } from "effect"
import { Database } from "../../platform/postgres/Database.ts"
import { SandboxOrder } from "./SandboxOrder.ts"
import type { SandboxOrders } from "./SandboxOrders.ts"

const Stored = Schema.fromJsonString(SandboxOrder)
const decode = Schema.decodeUnknownEffect(Stored)
const encode = Schema.encodeEffect(Stored)

/**
 * Keeps the orders in PostgreSQL. The sandbox exchange of every node knows all of them, also after a restart, as a real
 * exchange does.
 */
export const make: Effect.Effect<SandboxOrders, never, Database> = Effect.gen(function* () {
  const { execute, sql } = yield* Database
  return {
    insert: Effect.fn("SandboxOrderRepo.insert")(function* (order) {
      const text = yield* Effect.orDie(encode(order))
      const rows = yield* execute(sql`
        INSERT INTO sandbox_exchange_order (client_order_id, details)
        VALUES (${order.clientOrderId}, ${text}::text::jsonb) ON CONFLICT DO NOTHING RETURNING 1 AS inserted`)
      return rows.length === 1
    }),
    find: Effect.fn("SandboxOrderRepo.find")(function* (clientOrderId) {
      const rows = yield* execute(sql<{ details: string }>`
        SELECT details::text AS details FROM sandbox_exchange_order WHERE client_order_id = ${clientOrderId}`)
      const row = Array.head(rows)
      if (Option.isNone(row)) return Option.none()
      return Option.some(yield* Effect.orDie(decode(row.value.details)))
    }),
    end: Effect.fn("SandboxOrderRepo.end")(function* (clientOrderId, end) {
      yield* execute(sql`
        UPDATE sandbox_exchange_order
        SET details = details || jsonb_build_object('end', ${JSON.stringify(end)}::text::jsonb)
        WHERE client_order_id = ${clientOrderId} AND NOT details ? 'end'`)
    })
  }
})
