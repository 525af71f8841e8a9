import { BigDecimal, Context, Effect, Layer, Schema, Semaphore } from "effect"
import { SecureRandom } from "effect/crypto"
import { AssetCatalog } from "../../assets/AssetCatalog.ts"
import { TransferId } from "../../domain/ledger/LedgerPosting.ts"
import { houseResult } from "../../domain/orders/Allocation.ts"
import { type Batch, BatchId } from "../../domain/orders/Batch.ts"
import { MINOR_UNIT } from "../../domain/orders/PriceLock.ts"
import { fromUnits } from "../../domain/orders/Units.ts"
import { Ledger } from "../../ledger/Ledger.ts"
import { type LeaderTerm, Superseded } from "../../platform/LeaderTerms.ts"
import { Database } from "../../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"
import { Wallets } from "../../wallets/Wallets.ts"
import * as BatchShares from "./BatchShares.ts"
import { OrderRepo } from "../OrderRepo.ts"
import * as SettlementPostings from "./SettlementPostings.ts"
import { SettlementRepo } from "./SettlementRepo.ts"
import { SettlementSteps } from "./SettlementSteps.ts"

/** The ledger refuses the postings of a batch, for example because an account of the house is frozen. Nothing was changed. */
export class AllocationRefused extends Schema.TaggedError<AllocationRefused>()("AllocationRefused", {
  batch: BatchId,
  outcome: Schema.String
}) {
  override get message(): string {
    return `The ledger refuses to settle batch ${this.batch}: ${this.outcome}`
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

const ZERO = BigDecimal.make(0n, 0)

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

      // Batches share the accounts of the house. A pool that waited for them would keep those of its users locked meanwhile.
      const poolsInTurn = (yield* Semaphore.make(1)).withPermit

      const decimalsOf = (batch: Batch) => {
        const found = catalog.find(batch.asset)
        if (found._tag === "None") throw new Error(`the catalogue has no ${batch.asset}`)
        return found.value.decimals
      }

      const settle = Effect.fn("BatchAllocation.settle")(function* (leader: LeaderTerm, batch: Batch) {
        const decimals = decimalsOf(batch)
        const members = yield* orders.ofBatch(batch.id)
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
        const named = SettlementPostings.of(batch, settled, houseFilled, result, ids)
        const names = SettlementPostings.accountsOf(named)
        const accounts = yield* wallets.accountIds(names)
        const [first, ...others] = SettlementPostings.withIds(named, names, accounts)
        if (first === undefined) return yield* Effect.die(`batch ${batch.id} has no orders`)
        // The state of the batch settles it once; the key makes that visible in the ledger too.
        const idempotency = { principal: "settlement", key: batch.id, requestHash: batch.id }
        const work = transaction(
          Effect.gen(function* () {
            const outcomes = yield* postWithin([{ ...first, idempotency }, ...others])
            const refused = outcomes.find((outcome) => outcome._tag !== "Posted" || outcome.replayed)
            if (refused !== undefined)
              return yield* new AllocationRefused({ batch: batch.id, outcome: refused._tag })
            yield* step("posted-uncommitted")
            if (!(yield* repo.allocate(leader, batch, settled, houseFilled)))
              return yield* new Superseded(leader)
            yield* step("settled-uncommitted")
          })
        )
        yield* batch.isAggregated ? poolsInTurn(work) : work
        const failed = settled.filter(({ failure }) => failure !== null).length
        return { slippage: result.slippage, completed: settled.length - failed, failed }
      })

      return BatchAllocation.of({ settle })
    })
  )
}
