import {
  BigDecimal,
  Context,
  DateTime,
  Duration,
  Effect,
  Exit,
  Layer,
  Metric,
  Option,
  Ref,
  Semaphore,
  Stream
} from "effect"
import { Settings } from "../../config/Settings.ts"
import type { Batch, BatchId } from "../../domain/orders/Batch.ts"
import type { AssetCode } from "../../domain/money/Asset.ts"
import type { OrderId } from "../../domain/orders/Order.ts"
import type { OrderSide } from "../../domain/orders/OrderSide.ts"
import type { LeaderTerm, Superseded } from "../../platform/LeaderTerms.ts"
import * as OrderMetrics from "../../platform/metrics/OrderMetrics.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"
import { type AllocationRefused, BatchAllocation } from "./BatchAllocation.ts"
import { BatchExecution, type ExecutionError } from "./BatchExecution.ts"
import { BatchRepo } from "./BatchRepo.ts"
import { MarketHours } from "./MarketHours.ts"
import { type PoolRule, ReservationRepo, type Waiting, type WaitingGroup } from "./ReservationRepo.ts"
import { SettlementRepo } from "./SettlementRepo.ts"
import { SettlementSteps } from "./SettlementSteps.ts"

/** Waiting orders of one asset that one round reserves, and open batches that it moves on. */
const MAX_ROUND = 200
/** Batches of one pool that one round reserves. */
const MAX_POOL_BATCHES = 20
/** Batches that are settled at the same time. Those of single orders share transactions. */
const CONCURRENCY = 32
/** Batches of pools among them. They have up to 1000 orders in memory. */
const POOL_CONCURRENCY = 4
const FIRST_RETRY = Duration.seconds(1)
const MAX_RETRY = Duration.minutes(5)
/** Consecutive failures after which a batch is given up. With the delays between them, more than an hour. */
export const MAX_FAILURES = 20

/**
 * Settles orders: reserves what waits into batches, executes them at the exchange, and allocates what was filled. The state of a
 * batch in PostgreSQL is all that it remembers, so it continues after a crash wherever that was.
 */
export class Settlement extends Context.Service<
  Settlement,
  {
    /** Takes every step that is due, until none is left. Returns the number of batches that made progress. */
    readonly settleDue: (leader: LeaderTerm) => Effect.Effect<number, Superseded | StoreUnavailable>
  }
>()("effex/orders/settlement/Settlement") {
  static readonly layer = Layer.effect(
    Settlement,
    Effect.gen(function* () {
      const { aggregationMaxWait: maxWait, aggregationThreshold: threshold } = yield* Settings
      const allocation = yield* BatchAllocation
      const batches = yield* BatchRepo
      const execution = yield* BatchExecution
      const { isOpen } = yield* MarketHours
      const repo = yield* SettlementRepo
      const reservations = yield* ReservationRepo
      const step = yield* Effect.service(SettlementSteps)
      const rule: PoolRule = { threshold, maxWait }
      const withPoolPermit = (yield* Semaphore.make(POOL_CONCURRENCY)).withPermit

      const allocate = Effect.fnUntraced(function* (leader: LeaderTerm, batch: Batch) {
        yield* step("before-allocate")
        const { completed, failed, slippage } = yield* allocation.settle(leader, batch)
        const dollars = BigDecimal.toNumberUnsafe(BigDecimal.abs(slippage))
        const result = BigDecimal.isNegative(slippage) ? "loss" : "gain"
        yield* Metric.update(OrderMetrics.slippage.of({ result }), dollars)
        yield* Metric.update(OrderMetrics.orders.of({ state: "completed" }), completed)
        yield* Metric.update(OrderMetrics.orders.of({ state: "failed" }), failed)
        yield* step("allocated")
      })

      /** Takes the next step of a batch, and returns the batch after it. None once it is allocated. */
      const moveOn = (
        leader: LeaderTerm,
        batch: Batch
      ): Effect.Effect<Option.Option<Batch>, ExecutionError | AllocationRefused> => {
        switch (batch.state) {
          case "reserved":
            return Effect.asSome(execution.send(leader, batch))
          case "sent":
            return Effect.asSome(execution.resume(leader, batch))
          case "filled":
          case "rejected":
            return Effect.as(allocate(leader, batch), Option.none())
          case "allocated":
            return Effect.succeedNone
        }
      }

      /**
       * Postpones a batch after a failure, longer each time. In the end, one that was never sent is rejected, and its money given
       * back. Any other one is given up, and its money stays held.
       */
      const postpone = Effect.fnUntraced(function* (
        leader: LeaderTerm,
        id: BatchId,
        error: { readonly message: string; readonly retryAfter?: Duration.Duration }
      ) {
        const batch = yield* batches.byId(id)
        if (batch._tag === "None" || batch.value.state === "allocated") return
        const failures = batch.value.failures + 1
        const now = yield* DateTime.now
        const backoff = Duration.min(MAX_RETRY, Duration.times(FIRST_RETRY, 2 ** Math.min(failures - 1, 10)))
        const isLast = failures >= MAX_FAILURES
        yield* Metric.update(OrderMetrics.failures, 1)
        if (isLast && batch.value.state === "reserved") {
          yield* execution.reject(leader, batch.value, "not-sent", error.message)
          return
        }
        yield* isLast
          ? Effect.logError(
              `Batch ${id} was given up in state ${batch.value.state} after ${failures} failures: ${error.message}. Its orders wait until an administrator retries it`
            )
          : Effect.logWarning(`Batch ${id} could not continue: ${error.message}`)
        yield* repo.postpone(leader, id, {
          nextAttemptAt: DateTime.addDuration(now, Duration.max(backoff, error.retryAfter ?? Duration.zero)),
          polls: batch.value.polls,
          failures,
          lastError: error.message,
          deadAt: isLast ? now : null
        })
      })

      /** Takes the next step of a batch. None as well after a failure, for which it was postponed. */
      const tryToMoveOn = (leader: LeaderTerm, batch: Batch) => {
        const after = (error: { readonly message: string; readonly retryAfter?: Duration.Duration }) =>
          Effect.as(postpone(leader, batch.id, error), Option.none<Batch>())
        return moveOn(leader, batch).pipe(
          Effect.catchTags({
            ExchangeUnknown: (error) =>
              Effect.andThen(Metric.update(OrderMetrics.unknownOutcomes, 1), after(error)),
            RateTooOld: after,
            RateUnavailable: ({ message }) => after({ message }),
            AllocationRefused: after
          }),
          // One batch must not stop the others.
          Effect.catchDefect((defect) =>
            Effect.andThen(
              Effect.logError(`The settlement of batch ${batch.id} crashed`, defect),
              after({ message: "an unexpected error; see the log" })
            )
          )
        )
      }

      /** Moves a batch on until it is allocated, or must wait. */
      const settle = Effect.fnUntraced(function* (leader: LeaderTerm, due: Batch) {
        let batch = due
        for (;;) {
          const next = yield* tryToMoveOn(leader, batch)
          if (Option.isNone(next) || next.value.state === batch.state) return
          batch = next.value
        }
      })

      /** Reserves the batches of orders that wait alone, or batches of a pool. */
      const reserve = (leader: LeaderTerm, group: WaitingGroup) => {
        const limit = group.orderIds === null ? MAX_POOL_BATCHES : 1
        return Stream.unfold(
          0,
          Effect.fnUntraced(function* (count) {
            // A closed market, or an exchange that does not answer: orders wait where they can be cancelled.
            if (count === limit || !(yield* isOpen(group.asset))) return undefined
            yield* step("before-reserve")
            const reserved = yield* reservations.reserve(leader, group, rule)
            yield* step("reserved")
            return reserved.length > 0 ? ([reserved, count + 1] as const) : undefined
          })
        ).pipe(Stream.flattenIterable)
      }

      /** Reserves what waits, one side of an asset at a time. The one that has waited longest is first, so that each gets its turn. */
      const reserveAll = (leader: LeaderTerm) =>
        Stream.unwrap(
          Effect.gen(function* () {
            const waiting = yield* reservations.waiting(yield* DateTime.now, rule, MAX_ROUND)
            const turns = new Map<AssetCode, OrderSide>()
            for (const { asset, side } of waiting) if (!turns.has(asset)) turns.set(asset, side)
            const groups = groupsOf(waiting.filter(({ asset, side }) => turns.get(asset) === side))
            return Stream.flatMap(Stream.fromIterable(groups), (group) => reserve(leader, group))
          })
        )

      const settleDue = Effect.fn("Settlement.settleDue")(function* (leader: LeaderTerm) {
        let total = 0
        for (;;) {
          const due = yield* batches.due(yield* DateTime.now, MAX_ROUND)
          const reserving = yield* Ref.make<Exit.Exit<void, Superseded | StoreUnavailable>>(Exit.void)
          // The next batches are reserved while others are settled, which a failure to reserve does not interrupt.
          const reserved = reserveAll(leader).pipe(
            Stream.catchCause((cause) => Stream.fromEffectDrain(Ref.set(reserving, Exit.failCause(cause)))),
            Stream.buffer({ capacity: CONCURRENCY })
          )
          const settled = yield* Stream.concat(Stream.fromIterable(due), reserved).pipe(
            Stream.mapEffect(
              (batch) => (batch.isAggregated ? withPoolPermit(settle(leader, batch)) : settle(leader, batch)),
              { concurrency: CONCURRENCY, unordered: true }
            ),
            Stream.runCount
          )
          yield* yield* Ref.get(reserving)
          if (settled === 0) return total
          total += settled
        }
      })

      return Settlement.of({ settleDue })
    })
  )
}

/** Groups the orders of an asset that wait alone, at most as many as are settled at the same time. Each asset has one side. */
const groupsOf = (waiting: ReadonlyArray<Waiting>): ReadonlyArray<WaitingGroup> => {
  const groups: Array<WaitingGroup> = []
  const open = new Map<AssetCode, Array<OrderId>>()
  for (const { asset, orderId, side } of waiting) {
    const orderIds = orderId === null ? undefined : open.get(asset)
    if (orderId === null) groups.push({ asset, side, orderIds: null })
    else if (orderIds !== undefined && orderIds.length < CONCURRENCY) orderIds.push(orderId)
    else {
      const first = [orderId]
      open.set(asset, first)
      groups.push({ asset, side, orderIds: first })
    }
  }
  return groups
}
