import { BigDecimal, Context, Effect, Layer, Schema, Semaphore } from "effect"
import { SecureRandom } from "effect/crypto"
import { AssetCatalog } from "../../assets/AssetCatalog.ts"
import { TransferId } from "../../domain/ledger/LedgerPosting.ts"
import { houseResult } from "../../domain/orders/Allocation.ts"
import { type Batch, BatchId } from "../../domain/orders/Batch.ts"
import { MINOR_UNIT } from "../../domain/orders/PriceLock.ts"
import { fromUnits } from "../../domain/orders/Units.ts"
import * as GroupCommit from "../../ledger/GroupCommit.ts"
import { Ledger } from "../../ledger/Ledger.ts"
import { type LeaderTerm, Superseded } from "../../platform/LeaderTerms.ts"
import { Database } from "../../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"
import { Wallets } from "../../wallets/Wallets.ts"
import * as BatchShares from "./BatchShares.ts"
import { OrderRepo } from "../OrderRepo.ts"
import type { BatchMember } from "../OrderRows.ts"
import * as SettlementPostings from "./SettlementPostings.ts"
import { leaderOf, MAX_GROUP_SIZE, SettlementRepo } from "./SettlementRepo.ts"
import { SettlementSteps } from "./SettlementSteps.ts"

/** The ledger refuses a posting of batches, for example because an account of the house is frozen. Nothing was changed. */
export class AllocationRefused extends Schema.TaggedError<AllocationRefused>()("AllocationRefused", {
  batches: Schema.Array(BatchId),
  outcome: Schema.String
}) {
  override get message(): string {
    return `The ledger refuses to settle batch ${this.batches.join(", ")}: ${this.outcome}`
  }
}

/** Outcome of a settled batch. */
export interface SettledBatch {
  /** US dollars that the house gained between the locked prices and the fill; negative for a loss. */
  readonly slippage: BigDecimal.BigDecimal
  /** Number of orders. */
  readonly completed: number
  readonly failed: number
}

/** The batch of a single order. */
interface Single {
  readonly leader: LeaderTerm
  readonly batch: Batch
}

const ZERO = BigDecimal.make(0n, 0)

const settleAlone = () => Effect.fail(new GroupCommit.CommitAlone())

/** Divides what was filled among the orders of a batch. */
export class BatchAllocation extends Context.Service<
  BatchAllocation,
  {
    /** Posts the shares and ends all orders of a `filled` or `rejected` batch, in one transaction. */
    readonly settle: (
      leader: LeaderTerm,
      batch: Batch
    ) => Effect.Effect<SettledBatch, Superseded | AllocationRefused | StoreUnavailable>
  }
>()("effex/orders/settlement/BatchAllocation") {
  static readonly layer = Layer.effect(
    BatchAllocation,
    Effect.gen(function* () {
      const catalog = yield* AssetCatalog
      const { transaction } = yield* Database
      const { postWithin } = yield* Ledger
      const orders = yield* OrderRepo
      const random = yield* SecureRandom.SecureRandom
      const repo = yield* SettlementRepo
      const step = yield* Effect.service(SettlementSteps)
      const wallets = yield* Wallets

      const decimalsOf = (batch: Batch) => {
        const found = catalog.find(batch.asset)
        if (found._tag === "None") throw new Error(`the catalogue has no ${batch.asset}`)
        return found.value.decimals
      }

      /** Divides what was filled of a batch among its orders. */
      const divide = Effect.fnUntraced(function* (batch: Batch, members: ReadonlyArray<BatchMember>) {
        const decimals = decimalsOf(batch)
        const allocation = BatchShares.compute(batch, members, decimals)
        const { cost, fee } = { cost: batch.cost ?? ZERO, fee: batch.fee ?? ZERO }
        const result = houseResult(batch.side, allocation, { cost, fee }, MINOR_UNIT)
        const houseFilled = fromUnits(allocation.houseFilled, decimals)
        const shares = new Map<string, (typeof allocation.shares)[number]>(
          allocation.shares.map((share) => [share.id, share])
        )
        const settled = members.map((order) => {
          const { charged = 0n, filled = 0n } = shares.get(order.id) ?? {}
          return {
            id: order.id,
            order,
            filled: fromUnits(filled, decimals),
            charged: fromUnits(charged, MINOR_UNIT),
            failure: filled > 0n ? null : (batch.reason ?? "not-filled")
          }
        })
        const ids = yield* Effect.forEach([null, ...settled], () =>
          Effect.map(random.uuidV7(), (id) => TransferId.make(id))
        )
        const [first, ...others] = SettlementPostings.of(batch, settled, houseFilled, result, ids)
        if (first === undefined) return yield* Effect.die(`batch ${batch.id} has no orders`)
        // The state of the batch settles it once; the key makes that visible in the ledger too.
        const idempotency = { principal: "settlement", key: batch.id, requestHash: batch.id }
        const failed = settled.filter(({ failure }) => failure !== null).length
        return {
          postings: [{ ...first, idempotency }, ...others],
          outcome: { batch, orders: settled, houseFilled },
          settled: { slippage: result.slippage, completed: settled.length - failed, failed }
        }
      })

      /** Reads what the transaction of batches needs. */
      const prepare = Effect.fnUntraced(function* (batches: ReadonlyArray<Batch>) {
        const members = Map.groupBy(
          yield* orders.ofBatches(batches.map(({ id }) => id)),
          ({ batchId }) => batchId
        )
        const divided = yield* Effect.forEach(batches, (batch) => divide(batch, members.get(batch.id) ?? []))
        const named = divided.flatMap(({ postings }) => postings)
        const names = SettlementPostings.accountsOf(named)
        const postings = SettlementPostings.withIds(named, names, yield* wallets.accountIds(names))
        return { divided, postings }
      })

      /** Posts the shares of batches and ends them in one transaction: all of them, or none. */
      const commit = (
        leader: LeaderTerm,
        { divided, postings }: Effect.Success<ReturnType<typeof prepare>>
      ) =>
        transaction(
          Effect.gen(function* () {
            const posted = yield* postWithin(postings)
            const refused = posted.find((outcome) => outcome._tag !== "Posted" || outcome.replayed)
            if (refused !== undefined)
              return yield* new AllocationRefused({
                batches: divided.map(({ outcome }) => outcome.batch.id),
                outcome: refused._tag
              })
            yield* step("posted-uncommitted")
            const outcomes = divided.map(({ outcome }) => outcome)
            if (!(yield* repo.allocate(leader, outcomes))) return yield* new Superseded(leader)
            yield* step("settled-uncommitted")
            return divided.map(({ settled }) => settled)
          })
        )

      // Batches share the accounts of the house. A pool that waited for them would keep those of its users locked meanwhile.
      const poolsInTurn = (yield* Semaphore.make(1)).withPermit
      const settlePool = Effect.fnUntraced(function* (leader: LeaderTerm, batch: Batch) {
        const [settled] = yield* poolsInTurn(commit(leader, yield* prepare([batch])))
        return settled ?? (yield* Effect.die(`batch ${batch.id} has no outcome`))
      })

      /** Batches of single orders that are settled at the same time share a transaction. */
      const singles = yield* GroupCommit.make<Single, SettledBatch | Superseded | AllocationRefused>({
        commit: Effect.fnUntraced(function* (items) {
          const leader = yield* leaderOf(items)
          const settled = Effect.flatMap(prepare(items.map(({ batch }) => batch)), (prepared) =>
            commit(leader, prepared)
          )
          // A group of which one cannot be settled is rolled back.
          return yield* items.length === 1
            ? Effect.catchTags(settled, {
                AllocationRefused: (refused) => Effect.succeed([refused]),
                Superseded: (superseded) => Effect.succeed([superseded])
              })
            : settled.pipe(
                Effect.catchTags({ AllocationRefused: settleAlone, Superseded: settleAlone }),
                Effect.catchDefect(settleAlone)
              )
        }),
        namesOf: ({ batch }) => [batch.id],
        maxBatchSize: MAX_GROUP_SIZE,
        timeoutMessage: "the batch was not settled"
      })

      const settle: BatchAllocation["Service"]["settle"] = Effect.fn("BatchAllocation.settle")(
        function* (leader, batch) {
          if (batch.isAggregated) return yield* settlePool(leader, batch)
          const settled = yield* singles.run({ leader, batch })
          return "completed" in settled ? settled : yield* settled
        }
      )

      return BatchAllocation.of({ settle })
    })
  )
}
