import { Effect, Layer, Schema } from "effect"
import { WalletId } from "../domain/wallets/Wallet.ts"
import { Database } from "../platform/postgres/Database.ts"
import * as PgArray from "../platform/postgres/PgArray.ts"
import { type ChangedOrder, OrderChanges } from "../wallets/events/OrderChanges.ts"
import * as OrderRows from "./OrderRows.ts"

const decodeTimes = Schema.decodeUnknownEffect(Schema.NonEmptyArray(Schema.Struct({ at: Schema.Int })))
const decodeVersions = Schema.decodeUnknownEffect(Schema.Array(Schema.Struct({ version: Schema.Int })))
const decodeFingerprints = Schema.decodeUnknownEffect(
  Schema.Array(Schema.Struct({ walletId: WalletId, fingerprint: Schema.String }))
)

/** The orders of wallets, for the events of their users. */
export const layer: Layer.Layer<OrderChanges, never, Database> = Layer.effect(
  OrderChanges,
  Effect.gen(function* () {
    const { execute, sql } = yield* Database
    const columns = sql.literal(OrderRows.ORDER_COLUMNS)

    const after = Effect.fn("ChangedOrders.after")(function* (wallet: WalletId, time: number, limit: number) {
      const rows = yield* execute(sql`
        SELECT ${columns}, version FROM customer_order
        WHERE wallet_id = ${wallet} AND updated_at > to_timestamp(${time / 1000}::float8)
        ORDER BY updated_at, id LIMIT ${limit}`)
      const orders = yield* OrderRows.decodeOrders(rows)
      const versions = yield* Effect.orDie(decodeVersions(rows))
      return orders.map((order, i): ChangedOrder => ({ order, version: versions[i]?.version ?? 0 }))
    })

    const lastChange = Effect.fn("ChangedOrders.lastChange")(function* (wallet: WalletId) {
      const rows = yield* execute(sql`
        SELECT coalesce(extract(epoch FROM max(updated_at)) * 1000, 0)::float8 AS at
        FROM customer_order WHERE wallet_id = ${wallet}`)
      const [{ at }] = yield* Effect.orDie(decodeTimes(rows))
      return at
    })

    const fingerprints = Effect.fn("ChangedOrders.fingerprints")(function* (
      wallets: ReadonlyArray<WalletId>
    ) {
      const rows = yield* execute(sql`
        SELECT wallet_id, string_agg(concat_ws('-', id, version), ' ' ORDER BY id) AS fingerprint
        FROM customer_order WHERE wallet_id = ANY (${PgArray.of(wallets)}::uuid[])
          AND updated_at > statement_timestamp() - interval '3 minutes' GROUP BY wallet_id`)
      const found = yield* Effect.orDie(decodeFingerprints(rows))
      return new Map(found.map(({ fingerprint, walletId }) => [walletId, fingerprint]))
    })

    return OrderChanges.of({ lastChange, after, fingerprints })
  })
)
