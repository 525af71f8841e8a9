import { type BigDecimal, Context, DateTime, Effect, Layer, Option } from "effect"
import type { SqlError, Statement } from "effect/sql"
import * as Decimal from "../../domain/money/Decimal.ts"
import type { Batch, BatchId, RejectionReason } from "../../domain/orders/Batch.ts"
import type { OrderId } from "../../domain/orders/Order.ts"
import * as LeaderTerms from "../../platform/LeaderTerms.ts"
import { type LeaderTerm, Superseded } from "../../platform/LeaderTerms.ts"
import { Database } from "../../platform/postgres/Database.ts"
import * as PgArray from "../../platform/postgres/PgArray.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"
import * as OrderRows from "../OrderRows.ts"

/** Part of the order of a batch that the exchange filled, exactly. */
export interface Fill {
  readonly exchangeOrderId: string
  readonly filled: BigDecimal.BigDecimal
  readonly cost: BigDecimal.BigDecimal
  readonly fee: BigDecimal.BigDecimal
}

/** The end of an order. Nothing was filled of a failed one. */
export interface OrderOutcome {
  readonly id: OrderId
  readonly filled: BigDecimal.BigDecimal
  readonly charged: BigDecimal.BigDecimal
  /** Reason for which nothing was filled; null for a completed order. */
  readonly failure: string | null
}

/** The batch after the write. */
type Written = Effect.Effect<Batch, Superseded | StoreUnavailable>

/**
 * Moves batches and their orders from state to state. Each write names the previous state and the term of the leader, returns the
 * batch after it, and fails with `Superseded` once either has changed.
 */
export class SettlementRepo extends Context.Service<
  SettlementRepo,
  {
    /** From `reserved` to `sent`, just before the first submission. */
    readonly send: (
      leader: LeaderTerm,
      batch: BatchId,
      order: {
        readonly amount: BigDecimal.BigDecimal
        readonly rate: BigDecimal.BigDecimal
        readonly exchange: string
      }
    ) => Written
    /** Counts another submission, just before it. */
    readonly sendAgain: (leader: LeaderTerm, batch: BatchId) => Written
    /** From `sent` to `filled`. */
    readonly fill: (leader: LeaderTerm, batch: BatchId, fill: Fill) => Written
    /** From `reserved` or `sent` to `rejected`. */
    readonly reject: (leader: LeaderTerm, batch: Batch, reason: RejectionReason, detail: string) => Written
    /** Sets when a batch is tried again, and why. */
    readonly postpone: (
      leader: LeaderTerm,
      batch: BatchId,
      next: Pick<Batch, "nextAttemptAt" | "polls" | "failures" | "lastError" | "deadAt">
    ) => Written
    /** Ends all orders of a batch, and the batch. In the open transaction of the caller. False: superseded, so roll back. */
    readonly allocate: (
      leader: LeaderTerm,
      batch: Batch,
      outcomes: ReadonlyArray<OrderOutcome>,
      houseFilled: BigDecimal.BigDecimal
    ) => Effect.Effect<boolean, SqlError.SqlError>
  }
>()("effex/orders/settlement/SettlementRepo") {
  static readonly layer = Layer.effect(
    SettlementRepo,
    Effect.gen(function* () {
      const { execute, sql } = yield* Database
      const now = Effect.map(DateTime.now, DateTime.toDateUtc)
      const numeric = (value: BigDecimal.BigDecimal) => sql`${Decimal.format(value)}::numeric`

      /** Changes a batch in one of the given states while the term is current. */
      const write = Effect.fnUntraced(function* (
        leader: LeaderTerm,
        batch: BatchId,
        states: ReadonlyArray<Batch["state"]>,
        assignments: Statement.Fragment
      ) {
        const rows = yield* execute(sql`
          WITH fence AS (${LeaderTerms.fence(sql, Option.some(leader))})
          UPDATE settlement_batch SET ${assignments} FROM fence WHERE id = ${batch} AND ${sql.in("state", states)}
          RETURNING ${sql.literal(OrderRows.BATCH_COLUMNS)}`)
        const [written] = yield* OrderRows.decodeBatches(rows)
        return written ?? (yield* new Superseded(leader))
      })

      const moveTo = (leader: LeaderTerm, state: Batch["state"], at: Date) => sql`
        state = ${state}, version = version + 1, term = ${leader.term}, updated_at = ${at}, polls = 0, failures = 0,
          last_error = NULL, next_attempt_at = ${at}`

      const send: SettlementRepo["Service"]["send"] = Effect.fn("SettlementRepo.send")(function* (
        leader,
        batch,
        { amount, exchange, rate }
      ) {
        const at = yield* now
        return yield* write(
          leader,
          batch,
          ["reserved"],
          sql`${moveTo(leader, "sent", at)}, exchange_amount = ${numeric(amount)}, rate = ${numeric(rate)},
              exchange = ${exchange}, submissions = 1, submitted_at = ${at}`
        )
      })

      const sendAgain = Effect.fn("SettlementRepo.sendAgain")(function* (leader: LeaderTerm, batch: BatchId) {
        const at = yield* now
        return yield* write(leader, batch, ["sent"], sql`submissions = submissions + 1, submitted_at = ${at}`)
      })

      const fill = Effect.fn("SettlementRepo.fill")(function* (
        leader: LeaderTerm,
        batch: BatchId,
        { cost, exchangeOrderId, fee, filled }: Fill
      ) {
        const at = yield* now
        return yield* write(
          leader,
          batch,
          ["sent"],
          sql`${moveTo(leader, "filled", at)}, exchange_order_id = ${exchangeOrderId}, filled = ${numeric(filled)},
            cost = ${numeric(cost)}, fee = ${numeric(fee)}`
        )
      })

      const reject = Effect.fn("SettlementRepo.reject")(function* (
        leader: LeaderTerm,
        { id, state }: Batch,
        reason: RejectionReason,
        detail: string
      ) {
        const at = yield* now
        return yield* write(
          leader,
          id,
          [state],
          sql`${moveTo(leader, "rejected", at)}, reason = ${reason}, detail = ${detail.slice(0, MAX_DETAIL)}, filled = 0, cost = 0,
            fee = 0`
        )
      })

      const postpone: SettlementRepo["Service"]["postpone"] = Effect.fn("SettlementRepo.postpone")(function* (
        leader,
        batch,
        { deadAt, failures, lastError, nextAttemptAt, polls }
      ) {
        return yield* write(
          leader,
          batch,
          ["reserved", "sent", "filled", "rejected"],
          sql`next_attempt_at = ${DateTime.toDateUtc(nextAttemptAt)}, polls = ${polls}, failures = ${failures},
              last_error = ${lastError?.slice(0, MAX_DETAIL) ?? null},
              dead_at = ${deadAt === null ? null : DateTime.toDateUtc(deadAt)}`
        )
      })

      const allocate = Effect.fn("SettlementRepo.allocate")(function* (
        leader: LeaderTerm,
        batch: Batch,
        outcomes: ReadonlyArray<OrderOutcome>,
        houseFilled: BigDecimal.BigDecimal
      ) {
        const at = yield* now
        // Each order is found by its primary key. With a condition on its batch that an index has, the plan of a prepared statement
        // expects one order, and compares each of the batch with each outcome.
        yield* sql`
          UPDATE customer_order SET state = CASE WHEN ended.failure IS NULL THEN 'completed' ELSE 'failed' END,
            version = version + 1, reason = ended.failure, filled = ended.filled, charged = ended.charged, updated_at = ${at}
          FROM unnest(${PgArray.of(outcomes.map(({ id }) => id))}::uuid[],
            ${PgArray.of(outcomes.map(({ filled }) => Decimal.format(filled)))}::numeric[],
            ${PgArray.of(outcomes.map(({ charged }) => Decimal.format(charged)))}::numeric[],
            ${PgArray.ofTexts(outcomes.map(({ failure }) => failure))}::text[]) AS ended (id, filled, charged, failure)
          WHERE customer_order.id = ended.id
            AND (state, batch_id) IS NOT DISTINCT FROM ('submitted'::text, ${batch.id}::uuid)`
        const written = yield* sql`
          WITH fence AS (${LeaderTerms.fence(sql, Option.some(leader))})
          UPDATE settlement_batch SET ${moveTo(leader, "allocated", at)}, house_filled = ${numeric(houseFilled)}
          FROM fence WHERE id = ${batch.id} AND state = ${batch.state} RETURNING 1`
        return written.length > 0
      })

      return SettlementRepo.of({
        send,
        sendAgain,
        fill,
        reject,
        postpone,
        allocate
      })
    })
  )
}

const MAX_DETAIL = 1000
