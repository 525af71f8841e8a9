import { Context, DateTime, Effect, Layer, Option } from "effect"
import { AdminActions } from "../../accounts/AdminActions.ts"
import type { Allocation } from "../../domain/orders/Allocation.ts"
import { type Batch, BatchAllocated, BatchNotFound, type BatchId } from "../../domain/orders/Batch.ts"
import type { Order } from "../../domain/orders/Order.ts"
import { Database } from "../../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"
import { BatchRepo } from "./BatchRepo.ts"
import * as BatchShares from "./BatchShares.ts"
import { OrderRepo } from "../OrderRepo.ts"
import { SettlementSignal } from "./SettlementSignal.ts"

/** A batch with the shares of its orders. */
export interface AllocatedBatch {
  readonly batch: Batch
  readonly allocation: Allocation
}

/** A request of an administrator to continue a batch. */
export interface BatchRetry {
  readonly id: BatchId
  readonly principal: string
  readonly reason: string | undefined
}

/** Batches, and the proof of the shares of their orders. */
export class Batches extends Context.Service<
  Batches,
  {
    readonly find: (id: BatchId) => Effect.Effect<Batch, BatchNotFound | StoreUnavailable>
    readonly page: BatchRepo["Service"]["page"]
    readonly history: BatchRepo["Service"]["history"]
    /** Makes a batch due now, forgets its failures, and records who did it. */
    readonly retry: (
      retry: BatchRetry
    ) => Effect.Effect<Batch, BatchNotFound | BatchAllocated | StoreUnavailable>
    /** The allocation of the batch of an order, whose asset has `decimals`. None before it is allocated. */
    readonly allocationOf: (
      order: Order,
      decimals: number
    ) => Effect.Effect<Option.Option<AllocatedBatch>, StoreUnavailable>
  }
>()("effex/orders/settlement/Batches") {
  static readonly layer = Layer.effect(
    Batches,
    Effect.gen(function* () {
      const { record } = yield* AdminActions
      const { transaction } = yield* Database
      const orders = yield* OrderRepo
      const repo = yield* BatchRepo
      const { notify } = yield* SettlementSignal

      const find = Effect.fn("Batches.find")(function* (id: BatchId) {
        const found = yield* repo.byId(id)
        return Option.isSome(found) ? found.value : yield* new BatchNotFound()
      })

      const retry = Effect.fn("Batches.retry")(function* ({ id, principal, reason }: BatchRetry) {
        const batch = yield* find(id)
        const at = yield* DateTime.now
        const isRetried = yield* transaction(
          Effect.gen(function* () {
            if (!(yield* repo.retry(id, at))) return false
            const { failures, state } = batch
            yield* record({
              principal,
              action: "order.batch.retry",
              subject: id,
              reason,
              details: { state, failures }
            })
            return true
          })
        )
        if (!isRetried) return yield* new BatchAllocated()
        yield* notify
        return yield* find(id)
      })

      const allocationOf = Effect.fn("Batches.allocationOf")(function* (
        { batchId }: Order,
        decimals: number
      ) {
        if (batchId === null) return Option.none<AllocatedBatch>()
        const found = yield* repo.byId(batchId)
        if (Option.isNone(found) || found.value.state !== "allocated") return Option.none<AllocatedBatch>()
        const allocation = BatchShares.compute(found.value, yield* orders.ofBatches([batchId]), decimals)
        return Option.some<AllocatedBatch>({ batch: found.value, allocation })
      })

      return Batches.of({ find, page: repo.page, history: repo.history, retry, allocationOf })
    })
  )
}
