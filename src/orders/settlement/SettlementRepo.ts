import { type BigDecimal, Context, DateTime, Effect, Layer, Option } from "effect"
import type { SqlError, Statement } from "effect/sql"
import * as Decimal from "../../domain/money/Decimal.ts"
import type { Batch, BatchId, RejectionReason } from "../../domain/orders/Batch.ts"
import type { OrderId } from "../../domain/orders/Order.ts"
import * as GroupCommit from "../../ledger/GroupCommit.ts"
import * as LeaderTerms from "../../platform/LeaderTerms.ts"
import { type LeaderTerm, Superseded } from "../../platform/LeaderTerms.ts"
import { Database } from "../../platform/postgres/Database.ts"
import * as PgArray from "../../platform/postgres/PgArray.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"
import * as OrderRows from "../OrderRows.ts"

/** The order of a batch at the exchange, before it is submitted. */
export interface ExchangeRequest {
  readonly amount: BigDecimal.BigDecimal
  /** Rate against which the locked prices were compared. */
  readonly rate: BigDecimal.BigDecimal
  readonly exchange: string
}

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

/** The orders of a batch after it was executed, and the part of the house. */
export interface BatchOutcome {
  readonly batch: Batch
  readonly orders: ReadonlyArray<OrderOutcome>
  readonly houseFilled: BigDecimal.BigDecimal
}

/** Batches that are moved on by one statement or transaction. */
export const MAX_GROUP_SIZE = 64

/** A batch to be moved on. */
interface Move {
  readonly leader: LeaderTerm
  readonly batch: BatchId
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
    readonly send: (leader: LeaderTerm, batch: BatchId, order: ExchangeRequest) => Written
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
    /** Ends batches and all of their orders. In the open transaction of the caller. False: superseded, so roll back. */
    readonly allocate: (
      leader: LeaderTerm,
      outcomes: ReadonlyArray<BatchOutcome>
    ) => Effect.Effect<boolean, SqlError.SqlError>
  }
>()("effex/orders/settlement/SettlementRepo") {
  static readonly layer = Layer.effect(
    SettlementRepo,
    Effect.gen(function* () {
      const { execute, sql, tryExecute } = yield* Database
      const now = Effect.map(DateTime.now, DateTime.toDateUtc)

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

      /** Batches that move on at the same time share a statement, so that each costs less while many are settled. */
      const grouped = Effect.fnUntraced(function* <A extends Move>(
        update: (leader: LeaderTerm, moves: ReadonlyArray<A>, at: Date) => Statement.Fragment
      ) {
        const group = yield* GroupCommit.make<A, Batch | Superseded>({
          commit: Effect.fnUntraced(function* (moves) {
            const leader = yield* leaderOf(moves)
            const rows = yield* tryExecute(sql`
              WITH fence AS (${LeaderTerms.fence(sql, Option.some(leader))})
              ${update(leader, moves, yield* now)} RETURNING ${sql.literal(OrderRows.BATCH_COLUMNS)}`)
            const written = new Map((yield* OrderRows.decodeBatches(rows)).map((batch) => [batch.id, batch]))
            return moves.map(({ batch }) => written.get(batch) ?? new Superseded(leader))
          }),
          namesOf: ({ batch }) => [batch],
          maxBatchSize: MAX_GROUP_SIZE,
          timeoutMessage: "the batch was not moved on"
        })
        return (move: A) =>
          Effect.flatMap(group.run(move), (written) =>
            written instanceof Superseded ? Effect.fail(written) : Effect.succeed(written)
          )
      })

      const send = yield* grouped<Move & ExchangeRequest>(
        (leader, moves, at) => sql`
          UPDATE settlement_batch SET ${moveTo(leader, "sent", at)}, exchange_amount = move.amount, rate = move.sent_rate,
            exchange = move.sent_to, submissions = 1, submitted_at = ${at}
          FROM fence, unnest(${ids(moves)}::uuid[], ${amounts(moves, "amount")}::numeric[], ${amounts(moves, "rate")}::numeric[],
            ${PgArray.ofTexts(moves.map(({ exchange }) => exchange))}::text[]) AS move (batch_id, amount, sent_rate, sent_to)
          WHERE id = move.batch_id AND state = 'reserved'`
      )

      const fill = yield* grouped<Move & Fill>(
        (leader, moves, at) => sql`
          UPDATE settlement_batch SET ${moveTo(leader, "filled", at)}, exchange_order_id = move.order_id, filled = move.amount,
            cost = move.paid, fee = move.paid_fee
          FROM fence, unnest(${ids(moves)}::uuid[], ${PgArray.ofTexts(moves.map(({ exchangeOrderId }) => exchangeOrderId))}::text[],
            ${amounts(moves, "filled")}::numeric[], ${amounts(moves, "cost")}::numeric[], ${amounts(moves, "fee")}::numeric[])
            AS move (batch_id, order_id, amount, paid, paid_fee)
          WHERE id = move.batch_id AND state = 'sent'`
      )

      const sendAgain = Effect.fn("SettlementRepo.sendAgain")(function* (leader: LeaderTerm, batch: BatchId) {
        const at = yield* now
        return yield* write(leader, batch, ["sent"], sql`submissions = submissions + 1, submitted_at = ${at}`)
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
        outcomes: ReadonlyArray<BatchOutcome>
      ) {
        const at = yield* now
        const ended = outcomes.flatMap(({ batch, orders }) =>
          orders.map((order) => ({ ...order, batch: batch.id }))
        )
        // Each order is found by its primary key. With a condition on its batch that an index has, the plan of a prepared statement
        // expects one order, and compares each of the batch with each outcome.
        const [changed] = yield* sql<{ orders: number }>`
          WITH changed AS (
            UPDATE customer_order SET state = CASE WHEN ended.failure IS NULL THEN 'completed' ELSE 'failed' END,
              version = version + 1, reason = ended.failure, filled = ended.filled, charged = ended.charged, updated_at = ${at}
            FROM unnest(${PgArray.of(ended.map(({ id }) => id))}::uuid[], ${ids(ended)}::uuid[],
              ${amounts(ended, "filled")}::numeric[], ${amounts(ended, "charged")}::numeric[],
              ${PgArray.ofTexts(ended.map(({ failure }) => failure))}::text[]) AS ended (id, of_batch, filled, charged, failure)
            WHERE customer_order.id = ended.id
              AND (state, batch_id) IS NOT DISTINCT FROM ('submitted'::text, ended.of_batch)
            RETURNING 1)
          SELECT count(*)::int AS orders FROM changed`
        const written = yield* sql`
          WITH fence AS (${LeaderTerms.fence(sql, Option.some(leader))})
          UPDATE settlement_batch SET ${moveTo(leader, "allocated", at)}, house_filled = ended.house
          FROM fence, unnest(${PgArray.of(outcomes.map(({ batch }) => batch.id))}::uuid[],
            ${PgArray.ofTexts(outcomes.map(({ batch }) => batch.state))}::text[],
            ${amounts(outcomes, "houseFilled")}::numeric[]) AS ended (batch_id, of_state, house)
          WHERE id = ended.batch_id AND state = ended.of_state RETURNING 1`
        return changed?.orders === ended.length && written.length === outcomes.length
      })

      return SettlementRepo.of({
        send: (leader, batch, order) => send({ leader, batch, ...order }),
        sendAgain,
        fill: (leader, batch, filled) => fill({ leader, batch, ...filled }),
        reject,
        postpone,
        allocate
      })
    })
  )
}

const MAX_DETAIL = 1000

/** The leader of a group. After a change of the term, each of its writes is fenced alone. */
export const leaderOf = (writes: ReadonlyArray<{ readonly leader: LeaderTerm }>) => {
  const [first] = writes
  return first !== undefined && writes.every(({ leader }) => leader.term === first.leader.term)
    ? Effect.succeed(first.leader)
    : Effect.fail(new GroupCommit.CommitAlone())
}

const ids = (rows: ReadonlyArray<Pick<Move, "batch">>) => PgArray.of(rows.map(({ batch }) => batch))

const amounts = <K extends string>(rows: ReadonlyArray<Record<K, BigDecimal.BigDecimal>>, name: K) =>
  PgArray.of(rows.map((row) => Decimal.format(row[name])))
