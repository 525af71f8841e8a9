import { BigDecimal, DateTime, Duration, Option } from "effect"
import type * as BatchMessages from "../../../api/orders/BatchMessage.ts"
import type * as OrderMessages from "../../../api/orders/OrderMessage.ts"
import type { Settings } from "../../../config/Settings.ts"
import type { CatalogAsset } from "../../../domain/assets/CatalogAsset.ts"
import * as Decimal from "../../../domain/money/Decimal.ts"
import type { Batch, BatchEvent } from "../../../domain/orders/Batch.ts"
import { type Order, type OrderEvent, OrderId, type OrderPool } from "../../../domain/orders/Order.ts"
import type { OrderWait } from "../../../domain/orders/OrderWait.ts"
import { MINOR_UNIT } from "../../../domain/orders/PriceLock.ts"
import { fromUnits } from "../../../domain/orders/Units.ts"
import type { AllocatedBatch } from "../../../orders/settlement/Batches.ts"

const dollars = (value: BigDecimal.BigDecimal) => Decimal.padDecimals(Decimal.format(value), MINOR_UNIT)
const optional = <A>(value: A | null, format: (value: A) => string) => (value === null ? null : format(value))
const time = (at: DateTime.Utc | null) => optional(at, DateTime.formatIso)

/** The house pays the fee of the exchange. */
const FEE = dollars(BigDecimal.make(0n, 0))

export const orderFields = (order: Order): OrderMessages.OrderMessage => ({
  id: order.id,
  client_order_id: order.clientOrderId,
  asset: order.asset,
  crypto: order.asset,
  side: order.side,
  amount: Decimal.format(order.amount),
  price: dollars(order.price),
  total_price: dollars(order.total),
  fee: FEE,
  state: order.state,
  reason: order.reason,
  is_aggregated: order.isAggregated,
  filled: optional(order.filled, Decimal.format),
  charged: optional(order.charged, dollars),
  created_at: DateTime.formatIso(order.createdAt),
  completed_at: order.state === "completed" ? DateTime.formatIso(order.updatedAt) : null
})

/** Limits of a pool: it is settled at `threshold` US dollars, or `maxWait` after its oldest order. */
export interface PoolLimits {
  readonly threshold: BigDecimal.BigDecimal
  readonly maxWait: Duration.Duration
}

export const orderDetailFields = (
  order: Order,
  history: ReadonlyArray<OrderEvent>,
  waiting: Option.Option<OrderWait>,
  pool: Option.Option<OrderPool>,
  { maxWait, threshold }: PoolLimits
): OrderMessages.OrderDetailMessage => ({
  ...orderFields(order),
  history: history.map(({ at, reason, state }) => ({ state, reason, at: DateTime.formatIso(at) })),
  waiting: Option.match(waiting, {
    onNone: () => null,
    onSome: ({ nextAttemptAt, reason }) => ({ reason, next_attempt_at: time(nextAttemptAt) })
  }),
  pool: Option.match(pool, {
    onNone: () => null,
    onSome: ({ oldestAt, orders, total }) => ({
      orders,
      total: dollars(total),
      threshold: dollars(threshold),
      settles_at: DateTime.formatIso(DateTime.addDuration(oldestAt, maxWait))
    })
  })
})

/** Terms of an order for an asset, before it is placed. */
export const orderTermsFields = (
  { code, minimumOrder }: CatalogAsset,
  settings: Pick<
    Settings["Service"],
    "aggregationMaxWait" | "aggregationThreshold" | "exchange" | "orderSpread"
  >,
  isMarketOpen: boolean
): OrderMessages.OrderTermsMessage => ({
  asset: code,
  spread: Decimal.format(settings.orderSpread),
  minimum_order: optional(minimumOrder, Decimal.format),
  pool_threshold: dollars(settings.aggregationThreshold),
  pool_max_wait: Math.round(Duration.toSeconds(settings.aggregationMaxWait)),
  market_open: isMarketOpen,
  sandbox: settings.exchange === "sandbox"
})

/** `decimals` are those of the asset. */
export const allocationFields = (
  { allocation, batch }: AllocatedBatch,
  { id }: Order,
  decimals: number
): OrderMessages.AllocationMessage => {
  const units = (value: bigint) => Decimal.format(fromUnits(value, decimals))
  const money = (value: bigint) => dollars(fromUnits(value, MINOR_UNIT))
  const ofOrders = allocation.shares.reduce((total, { amount }) => total + amount, 0n)
  return {
    batch_id: batch.id,
    asset: batch.asset,
    side: batch.side,
    rule: "largest-remainder",
    unit: units(1n),
    ordered: optional(batch.exchangeAmount, Decimal.format),
    filled: units(allocation.filled),
    cost: dollars(batch.cost ?? BigDecimal.make(0n, 0)),
    exchange_order_id: batch.exchangeOrderId,
    sum: units(allocation.sum),
    house: { amount: units(allocation.sum - ofOrders), filled: units(allocation.houseFilled) },
    orders: allocation.shares.map((share) => ({
      order_id: OrderId.make(share.id),
      is_yours: share.id === id,
      amount: units(share.amount),
      total_price: money(share.total),
      remainder: share.remainder.toString(),
      has_extra_unit: share.hasExtraUnit,
      filled: units(share.filled),
      charged: money(share.charged)
    }))
  }
}

export const batchFields = (batch: Batch): BatchMessages.BatchMessage => ({
  id: batch.id,
  asset: batch.asset,
  side: batch.side,
  is_aggregated: batch.isAggregated,
  orders: batch.orders,
  amount: Decimal.format(batch.customerAmount),
  total: dollars(batch.total),
  state: batch.state,
  reason: batch.reason,
  detail: batch.detail,
  exchange: batch.exchange,
  exchange_order_id: batch.exchangeOrderId,
  exchange_amount: optional(batch.exchangeAmount, Decimal.format),
  rate: optional(batch.rate, Decimal.format),
  filled: optional(batch.filled, Decimal.format),
  cost: optional(batch.cost, dollars),
  fee: optional(batch.fee, dollars),
  house_filled: optional(batch.houseFilled, Decimal.format),
  submissions: batch.submissions,
  failures: batch.failures,
  last_error: batch.lastError,
  next_attempt_at: DateTime.formatIso(batch.nextAttemptAt),
  dead_at: time(batch.deadAt),
  created_at: DateTime.formatIso(batch.createdAt),
  updated_at: DateTime.formatIso(batch.updatedAt)
})

export const batchDetailFields = (
  batch: Batch,
  history: ReadonlyArray<BatchEvent>
): BatchMessages.BatchDetailMessage => ({
  ...batchFields(batch),
  history: history.map(({ at, detail, reason, state, term }) => ({
    state,
    term: term.toString(),
    reason,
    detail,
    at: DateTime.formatIso(at)
  }))
})
