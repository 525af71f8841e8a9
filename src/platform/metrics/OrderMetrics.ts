import { SLOW_SECONDS } from "./Buckets.ts"
import { counter, counterBy, gauge, gaugeBy, histogram } from "./MetricSeries.ts"

export const orders = counterBy("effex_orders_total", "Orders by the state that they entered", {
  state: ["held-for-review", "pending", "aggregated", "submitted", "completed", "failed", "cancelled"]
})

export const commitDuration = histogram(
  "effex_order_commit_duration_seconds",
  "Time that orders waited for the commit of their hold",
  SLOW_SECONDS
)

export const unsettled = gauge("effex_orders_unsettled", "Orders that are neither settled nor cancelled")

export const oldestUnsettled = gauge(
  "effex_orders_oldest_unsettled_seconds",
  "Time since the oldest order that is neither settled nor cancelled was accepted"
)

export const batches = gaugeBy(
  "effex_settlement_batches",
  "Batches by state, without allocated ones and those that were given up",
  { state: ["reserved", "sent", "filled", "rejected"] }
)

export const deadBatches = gauge(
  "effex_settlement_dead_batches",
  "Batches that were given up after too many failures: an administrator must look at them and retry"
)

export const unknownOutcomes = counter(
  "effex_settlement_unknown_outcomes_total",
  "Requests to the exchange whose outcome is unknown. The exchange is asked again by the client order id"
)

export const failures = counter(
  "effex_settlement_failures_total",
  "Failed attempts to move a batch on, unknown outcomes included. They are repeated"
)

export const rejections = counterBy("effex_settlement_rejections_total", "Rejected batches by reason", {
  reason: [
    "account-frozen",
    "price-moved",
    "below-exchange-minimum",
    "not-tradable",
    "not-sent",
    "exchange-refused",
    "not-filled"
  ]
})

export const slippage = counterBy(
  "effex_settlement_slippage_usd_total",
  "US dollars that the house gained or lost between locked prices and fills",
  { result: ["gain", "loss"] }
)
