import { Context, DateTime, Effect, Layer, Option } from "effect"
import { SecureRandom } from "effect/crypto"
import type { AssetCode } from "../../src/domain/money/Asset.ts"
import { AssetPair } from "../../src/domain/money/AssetPair.ts"
import * as Decimal from "../../src/domain/money/Decimal.ts"
import { PRICE_CURRENCY } from "../../src/domain/money/SupportedPairs.ts"
import { RateId, RateUnavailable } from "../../src/domain/rates/Rate.ts"
import { BatchAllocation } from "../../src/orders/settlement/BatchAllocation.ts"
import { BatchExecution } from "../../src/orders/settlement/BatchExecution.ts"
import { BatchRepo } from "../../src/orders/settlement/BatchRepo.ts"
import { MarketHours } from "../../src/orders/settlement/MarketHours.ts"
import { OrderPrices } from "../../src/orders/OrderPrices.ts"
import { OrderRepo } from "../../src/orders/OrderRepo.ts"
import { ReservationRepo } from "../../src/orders/settlement/ReservationRepo.ts"
import { Settlement } from "../../src/orders/settlement/Settlement.ts"
import { SettlementRepo } from "../../src/orders/settlement/SettlementRepo.ts"
import { LeaderTerms } from "../../src/platform/LeaderTerms.ts"
import { Database } from "../../src/platform/postgres/Database.ts"

/** Prices that a test decides. */
export class TestPrices extends Context.Service<
  TestPrices,
  {
    /** Undefined: the asset has no price. */
    readonly set: (asset: string, price: string | undefined) => Effect.Effect<void>
  }
>()("effex/test/TestPrices") {
  static readonly layer = Layer.effectContext(
    Effect.gen(function* () {
      const random = yield* SecureRandom.SecureRandom
      const prices = new Map<string, string>()
      const current = Effect.fnUntraced(function* (asset: AssetCode) {
        const price = prices.get(asset)
        const pair = new AssetPair({ from: asset, to: PRICE_CURRENCY })
        if (price === undefined) return yield* new RateUnavailable({ pair })
        return {
          id: RateId.make(yield* random.uuidV7()),
          pair,
          rate: Option.getOrThrow(Decimal.parse(price)),
          provider: "test",
          observedAt: yield* DateTime.now
        }
      })
      const set = (asset: string, price: string | undefined) =>
        Effect.sync(() => {
          if (price === undefined) prices.delete(asset)
          else prices.set(asset, price)
        })
      return Context.make(OrderPrices, OrderPrices.of({ current })).pipe(
        Context.add(TestPrices, TestPrices.of({ set }))
      )
    })
  )
}

/** Settles orders. Requires wallets, prices and an exchange. */
export const settlement = Settlement.layer.pipe(
  Layer.provideMerge(Layer.mergeAll(BatchExecution.layer, BatchAllocation.layer, MarketHours.layer)),
  Layer.provideMerge(Layer.mergeAll(ReservationRepo.layer, SettlementRepo.layer, LeaderTerms.layer)),
  Layer.provideMerge(Layer.mergeAll(OrderRepo.layer, BatchRepo.layer))
)

/** Settles everything that is due, in a new term. */
export const settle = Effect.gen(function* () {
  const { settleDue } = yield* Settlement
  const leader = yield* (yield* LeaderTerms).startTerm("settlement")
  return yield* settleDue(leader)
})

/** Number of orders that are neither settled nor cancelled. */
export const unsettled = Effect.gen(function* () {
  const { sql } = yield* Database
  const rows = yield* sql`SELECT 1 FROM customer_order WHERE state IN ('pending', 'aggregated', 'submitted')`
  return rows.length
})
