import { BigDecimal, Context, DateTime, Duration, Effect, Layer, Option } from "effect"
import { Settings } from "../config/Settings.ts"
import type { AssetCode } from "../domain/money/Asset.ts"
import type { Batch } from "../domain/orders/Batch.ts"
import type { Order, OrderPool } from "../domain/orders/Order.ts"
import type { OrderWait, OrderWaitReason } from "../domain/orders/OrderWait.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import { BatchRepo } from "./settlement/BatchRepo.ts"
import { MarketHours } from "./settlement/MarketHours.ts"

/** Time after which an exchange without an answer counts as unavailable. */
const MARKET_TIMEOUT = Duration.seconds(1)

/** Reasons for which orders have not ended yet. */
export class OrderWaits extends Context.Service<
  OrderWaits,
  {
    /** Returns why an order waits; none once it has ended. `pool` is the one in which it waits, if it does. */
    readonly of: (
      order: Order,
      pool: Option.Option<OrderPool>
    ) => Effect.Effect<Option.Option<OrderWait>, StoreUnavailable>
  }
>()("effex/orders/OrderWaits") {
  static readonly layer = Layer.effect(
    OrderWaits,
    Effect.gen(function* () {
      const { aggregationMaxWait, aggregationThreshold } = yield* Settings
      const batches = yield* BatchRepo
      const { stateOf } = yield* MarketHours

      /** Reason for which an order that was not sent cannot be sent now. */
      const beforeSending = (asset: AssetCode, otherwise: OrderWaitReason = "queued") =>
        stateOf(asset).pipe(
          Effect.timeoutOption(MARKET_TIMEOUT),
          Effect.map((state): OrderWaitReason => {
            switch (Option.getOrElse(state, () => "unavailable")) {
              case "open":
                return otherwise
              case "closed":
                return "market-closed"
              default:
                return "exchange-unavailable"
            }
          })
        )

      const inBatch = (batch: Batch): Effect.Effect<OrderWaitReason> => {
        if (batch.deadAt !== null) return Effect.succeed("administrator")
        switch (batch.state) {
          case "reserved":
            return beforeSending(batch.asset, batch.failures > 0 ? "retrying" : "queued")
          case "sent":
            return Effect.succeed(batch.failures > 0 ? "outcome-unknown" : "open-at-exchange")
          default:
            return Effect.succeed("settling")
        }
      }

      const inPool = Effect.fnUntraced(function* ({ asset }: Order, pool: Option.Option<OrderPool>) {
        const now = yield* DateTime.now
        const isWaiting = Option.exists(
          pool,
          ({ oldestAt, total }) =>
            BigDecimal.isLessThan(total, aggregationThreshold) &&
            DateTime.isGreaterThan(DateTime.addDuration(oldestAt, aggregationMaxWait), now)
        )
        return isWaiting ? "pool" : yield* beforeSending(asset)
      })

      const of: OrderWaits["Service"]["of"] = Effect.fn("OrderWaits.of")(function* (order, pool) {
        switch (order.state) {
          case "held-for-review":
            return Option.some({ reason: "review", nextAttemptAt: null })
          case "aggregated":
            return Option.some({ reason: yield* inPool(order, pool), nextAttemptAt: null })
          case "pending":
            return Option.some({ reason: yield* beforeSending(order.asset), nextAttemptAt: null })
          case "submitted": {
            const batch = order.batchId === null ? Option.none() : yield* batches.byId(order.batchId)
            if (Option.isNone(batch)) return Option.none()
            const { deadAt, nextAttemptAt } = batch.value
            return Option.some({
              reason: yield* inBatch(batch.value),
              nextAttemptAt: deadAt === null ? nextAttemptAt : null
            })
          }
          default:
            return Option.none()
        }
      })

      return OrderWaits.of({ of })
    })
  )
}
