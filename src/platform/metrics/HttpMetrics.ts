import { RateLimitKind } from "../../domain/access/RateLimit.ts"
import { FAST_SECONDS } from "./Buckets.ts"
import { counter, counterBy, histogramBy } from "./MetricSeries.ts"

export const requests = counterBy(
  "effex_http_requests_total",
  "HTTP requests answered, by method, route template and status; upgraded connections count as streams",
  { method: [], route: [], status: [] }
)

export const requestDuration = histogramBy(
  "effex_http_request_duration_seconds",
  "Time from the arrival of a request to the start of its response",
  FAST_SECONDS,
  { method: [], route: [], status: [] }
)

export const rateLimited = counterBy(
  "effex_rate_limited_total",
  "Requests rejected by a rate limit, by limit",
  { limit: RateLimitKind.literals }
)

export const rejectedKeys = counter(
  "effex_keys_refused_total",
  "Requests with an API key that is unknown or revoked"
)
