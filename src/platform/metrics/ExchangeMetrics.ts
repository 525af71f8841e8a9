import { SLOW_SECONDS } from "./Buckets.ts"
import { counterBy, histogramBy } from "./MetricSeries.ts"

/** Requests to an exchange. `find` and `cancel` name the HTTP requests of the methods with these names. */
const OPERATIONS = ["submit", "find", "cancel", "asset", "clock", "account"] as const
export type ExchangeOperation = (typeof OPERATIONS)[number]

export const requests = counterBy(
  "effex_exchange_requests_total",
  "Requests to the exchange, by operation and outcome. refused and not_found are certain; every other outcome but success is unknown",
  {
    exchange: [],
    operation: OPERATIONS,
    outcome: [
      "success",
      "refused",
      "not_found",
      "timeout",
      "unreachable",
      "failing",
      "malformed",
      "contradictory",
      "rate_limited",
      "unauthorized",
      "interrupted"
    ]
  }
)

export const requestDuration = histogramBy(
  "effex_exchange_request_duration_seconds",
  "Duration of requests to the exchange, successful or not",
  SLOW_SECONDS,
  { exchange: [], operation: OPERATIONS }
)
