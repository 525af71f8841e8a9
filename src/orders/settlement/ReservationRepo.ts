import {
  Array,
  type BigDecimal,
  Context,
  DateTime,
  type Duration,
  Effect,
  Layer,
  Metric,
  Option
} from "effect"
import { SecureRandom } from "effect/crypto"
import type { AssetCode } from "../../domain/money/Asset.ts"
import * as Decimal from "../../domain/money/Decimal.ts"
import { PRICE_CURRENCY } from "../../domain/money/SupportedPairs.ts"
import { type Batch, BatchId, type RejectionReason } from "../../domain/orders/Batch.ts"
import type { OrderId } from "../../domain/orders/Order.ts"
import type { OrderSide } from "../../domain/orders/OrderSide.ts"
import * as LeaderTerms from "../../platform/LeaderTerms.ts"
import { type LeaderTerm, Superseded } from "../../platform/LeaderTerms.ts"
import * as OrderMetrics from "../../platform/metrics/OrderMetrics.ts"
import { Database } from "../../platform/postgres/Database.ts"
import * as PgArray from "../../platform/postgres/PgArray.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"
import * as OrderRows from "../OrderRows.ts"

/** Orders of one batch: they, and the accounts of their users, are locked by one transaction. */
const MAX_BATCH_ORDERS = 1000

const FROZEN: RejectionReason = "account-frozen"
const FROZEN_DETAIL = "an account of each of its orders is frozen"

/** An order that waits alone, or a pool that is due. */
export interface Waiting {
  readonly asset: AssetCode
  readonly side: OrderSide
  /** Null for a pool. */
  readonly orderId: OrderId | null
}

/** When a pool is settled: with this total, or after this wait of its oldest order. */
export interface PoolRule {
  /** US dollars. */
  readonly threshold: BigDecimal.BigDecimal
  readonly maxWait: Duration.Duration
}

/** Makes batches of the orders that wait. A pool is a query over orders: there are no counters that could disagree. */
export class ReservationRepo extends Context.Service<
  ReservationRepo,
  {
    /** At most `limit` orders of each asset that wait alone, and the pools that are due. What has waited longest is first. */
    readonly waiting: (
      at: DateTime.Utc,
      rule: PoolRule,
      limit: number
    ) => Effect.Effect<ReadonlyArray<Waiting>, StoreUnavailable>
    /**
     * Makes a batch of what waits, oldest orders first, in one transaction. None if it does not wait any more, the pool is not due
     * any more, or the other side of the asset has a batch that may be at the exchange: exchanges refuse opposite open orders of one
     * account as a possible wash trade. A batch that was given up does not keep the other side waiting. Orders of which an account is
     * frozen, the one that pays or the one that receives, get a batch of their own, which is `rejected` at once: what they hold is
     * released, and the others do not wait for them.
     */
    readonly reserve: (
      leader: LeaderTerm,
      waiting: Waiting,
      rule: PoolRule
    ) => Effect.Effect<Option.Option<Batch>, Superseded | StoreUnavailable>
  }
>()("effex/orders/settlement/ReservationRepo") {
  static readonly layer = Layer.effect(
    ReservationRepo,
    Effect.gen(function* () {
      const { execute, sql } = yield* Database
      const random = yield* SecureRandom.SecureRandom
      const columns = sql.literal(OrderRows.BATCH_COLUMNS)

      // The last change of an order that waits is its acceptance, which is later than its creation if it was held for review.
      const isDue = (at: DateTime.Utc, { maxWait, threshold }: PoolRule) => sql`
        sum(total) >= ${Decimal.format(threshold)}::numeric
          OR min(updated_at) <= ${DateTime.toDateUtc(DateTime.subtractDuration(at, maxWait))}::timestamptz`

      const waiting = Effect.fn("ReservationRepo.waiting")(function* (
        at: DateTime.Utc,
        rule: PoolRule,
        limit: number
      ) {
        const rows = yield* execute(sql`
          SELECT asset, side, order_id FROM (
            SELECT asset, side, id AS order_id, updated_at AS oldest_at FROM (
              SELECT asset, side, id, updated_at, row_number() OVER (PARTITION BY asset ORDER BY id) AS place
              FROM customer_order WHERE state = 'pending') AS pending
            WHERE place <= ${limit}
            UNION ALL
            SELECT asset, side, NULL, min(updated_at) FROM customer_order WHERE state = 'aggregated'
            GROUP BY asset, side HAVING ${isDue(at, rule)}) AS waiting
          ORDER BY oldest_at, order_id`)
        return yield* OrderRows.decodeWaiting(rows)
      })

      const reserve = Effect.fn("ReservationRepo.reserve")(function* (
        leader: LeaderTerm,
        { asset, orderId, side }: Waiting,
        rule: PoolRule
      ) {
        const id = BatchId.make(yield* random.uuidV7())
        const now = yield* DateTime.now
        const at = DateTime.toDateUtc(now)
        const work = Effect.gen(function* () {
          const fence = yield* sql`${LeaderTerms.fence(sql, Option.some(leader))}`
          if (fence.length === 0) return new Superseded(leader)
          // An order that is cancelled meanwhile is not among the locked ones.
          const locked = yield* sql<{ id: string; isFrozen: boolean }>`
            SELECT id, EXISTS (SELECT FROM ledger_account AS account WHERE account.owner = wallet_id
              AND account.asset IN (${asset}::text, ${PRICE_CURRENCY}::text) AND account.frozen_at IS NOT NULL) AS is_frozen
            FROM customer_order WHERE ${
              orderId === null
                ? sql`state = 'aggregated' AND asset = ${asset} AND side = ${side}`
                : sql`state = 'pending' AND id = ${orderId}`
            } ORDER BY id LIMIT ${MAX_BATCH_ORDERS} FOR UPDATE`
          const frozen = locked.filter(({ isFrozen }) => isFrozen)
          const members = frozen.length > 0 ? frozen : locked
          const ids = PgArray.of(members.map(({ id }) => id))
          const made = yield* sql`
            WITH batch AS (
              INSERT INTO settlement_batch (id, asset, side, is_aggregated, orders, customer_amount, total, state, version, term,
                next_attempt_at, created_at, updated_at)
              SELECT ${id}::uuid, ${asset}::text, ${side}::text, ${orderId === null}::boolean, count(*)::int, sum(amount), sum(total),
                'reserved', 1, ${leader.term}::bigint, ${at}::timestamptz, ${at}::timestamptz, ${at}::timestamptz
              FROM customer_order WHERE id = ANY (${ids}::uuid[])
              HAVING (${orderId === null && frozen.length === 0 ? isDue(now, rule) : sql`count(*) > 0`}) AND NOT EXISTS (
                SELECT FROM settlement_batch AS opposite
                WHERE opposite.asset = ${asset} AND opposite.side <> ${side} AND opposite.state IN ('reserved', 'sent')
                  AND opposite.dead_at IS NULL)
              RETURNING ${columns}),
            joined AS (
              UPDATE customer_order SET state = 'submitted', version = version + 1, batch_id = batch.id, updated_at = ${at}
              FROM batch WHERE customer_order.id = ANY (${ids}::uuid[]))
            SELECT * FROM batch`
          if (made.length === 0 || frozen.length === 0)
            return Array.head(yield* OrderRows.decodeBatches(made))
          const rejected = yield* sql`
            UPDATE settlement_batch SET state = 'rejected', version = version + 1, reason = ${FROZEN}, detail = ${FROZEN_DETAIL},
              filled = 0, cost = 0, fee = 0
            WHERE id = ${id} RETURNING ${columns}`
          yield* sql.afterCommit(Metric.update(OrderMetrics.rejections.of({ reason: FROZEN }), 1))
          return Array.head(yield* OrderRows.decodeBatches(rejected))
        })
        const reserved = yield* execute(sql.withTransaction(work))
        return Option.isOption(reserved) ? reserved : yield* reserved
      })

      return ReservationRepo.of({ waiting, reserve })
    })
  )
}
