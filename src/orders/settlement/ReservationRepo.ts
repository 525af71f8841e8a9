import { type BigDecimal, Context, DateTime, type Duration, Effect, Layer, Metric, Option } from "effect"
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

/** Orders of one side of an asset that wait alone, or a pool that is due. */
export interface WaitingGroup extends Omit<Waiting, "orderId"> {
  /** Null for a pool. */
  readonly orderIds: ReadonlyArray<OrderId> | null
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
     * Makes a batch of a pool, oldest orders first, or a batch of each order that waits alone, in one transaction. None of what does
     * not wait any more; none at all if the pool is not due any more, or the other side of the asset has a batch that may be at the
     * exchange: exchanges refuse opposite open orders of one account as a possible wash trade. A batch that was given up does not
     * keep the other side waiting. Orders of which an account is frozen, the one that pays or the one that receives, get a batch of
     * their own, which is `rejected` at once: what they hold is released, and the others do not wait for them.
     */
    readonly reserve: (
      leader: LeaderTerm,
      group: WaitingGroup,
      rule: PoolRule
    ) => Effect.Effect<ReadonlyArray<Batch>, Superseded | StoreUnavailable>
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

      const tryToReserve = Effect.fnUntraced(function* (
        leader: LeaderTerm,
        { asset, orderIds, side }: WaitingGroup,
        rule: PoolRule
      ) {
        const isPool = orderIds === null
        const newId = Effect.map(random.uuidV7(), (id) => BatchId.make(id))
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
              isPool
                ? sql`state = 'aggregated' AND asset = ${asset} AND side = ${side}`
                : sql`state = 'pending' AND id = ANY (${PgArray.of(orderIds)}::uuid[])`
            } ORDER BY id LIMIT ${MAX_BATCH_ORDERS} FOR UPDATE`
          const frozen = locked.filter(({ isFrozen }) => isFrozen)
          const members = isPool && frozen.length > 0 ? frozen : locked
          const ofPool = yield* newId
          const batchIds = isPool ? members.map(() => ofPool) : yield* Effect.forEach(members, () => newId)
          const member = sql`
            unnest(${PgArray.of(members.map(({ id }) => id))}::uuid[], ${PgArray.of(batchIds)}::uuid[]) AS member (order_id, batch_id)`
          const made = yield* sql`
            WITH batch AS (
              INSERT INTO settlement_batch (id, asset, side, is_aggregated, orders, customer_amount, total, state, version, term,
                next_attempt_at, created_at, updated_at)
              SELECT member.batch_id, ${asset}::text, ${side}::text, ${isPool}::boolean, count(*)::int, sum(amount), sum(total),
                'reserved', 1, ${leader.term}::bigint, ${at}::timestamptz, ${at}::timestamptz, ${at}::timestamptz
              FROM ${member} JOIN customer_order ON customer_order.id = member.order_id GROUP BY member.batch_id
              HAVING (${isPool && frozen.length === 0 ? isDue(now, rule) : sql`true`}) AND NOT EXISTS (
                SELECT FROM settlement_batch AS opposite
                WHERE opposite.asset = ${asset} AND opposite.side <> ${side} AND opposite.state IN ('reserved', 'sent')
                  AND opposite.dead_at IS NULL)
              RETURNING ${columns}),
            joined AS (
              UPDATE customer_order SET state = 'submitted', version = version + 1, batch_id = batch.id, updated_at = ${at}
              FROM batch JOIN ${member} ON member.batch_id = batch.id WHERE customer_order.id = member.order_id)
            SELECT * FROM batch ORDER BY id`
          const batches = yield* OrderRows.decodeBatches(made)
          if (batches.length === 0 || frozen.length === 0) return batches
          const withFrozen = new Set(batchIds.filter((_, i) => members[i]?.isFrozen))
          const rejected = yield* Effect.flatMap(
            sql`
              UPDATE settlement_batch SET state = 'rejected', version = version + 1, reason = ${FROZEN}, detail = ${FROZEN_DETAIL},
                filled = 0, cost = 0, fee = 0
              WHERE id = ANY (${PgArray.of([...withFrozen])}::uuid[]) RETURNING ${columns}`,
            OrderRows.decodeBatches
          )
          yield* sql.afterCommit(
            Metric.update(OrderMetrics.rejections.of({ reason: FROZEN }), rejected.length)
          )
          return [...rejected, ...batches.filter(({ id }) => !withFrozen.has(id))]
        })
        const reserved = yield* execute(sql.withTransaction(work))
        return reserved instanceof Superseded ? yield* reserved : reserved
      })

      /** An order that the database rejects must not keep others waiting. */
      const reserveEach = (
        leader: LeaderTerm,
        group: WaitingGroup,
        orderIds: ReadonlyArray<OrderId>,
        rule: PoolRule
      ) =>
        Effect.forEach(orderIds, (id) =>
          tryToReserve(leader, { ...group, orderIds: [id] }, rule).pipe(
            Effect.catchDefect((defect) =>
              Effect.as(Effect.logError(`Order ${id} cannot be settled; retrying`, defect), [])
            )
          )
        ).pipe(Effect.map((reserved) => reserved.flat()))

      const reserve: ReservationRepo["Service"]["reserve"] = Effect.fn("ReservationRepo.reserve")(
        function* (leader, group, rule) {
          const reserved = tryToReserve(leader, group, rule)
          const { orderIds } = group
          return yield* orderIds === null
            ? reserved
            : Effect.catchDefect(reserved, () => reserveEach(leader, group, orderIds, rule))
        }
      )

      return ReservationRepo.of({ waiting, reserve })
    })
  )
}
