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

/**
 * Why the server closes a connection: `connections` and `address` are the limits of open connections, `stalled` clients take
 * no bytes, and `unsent` ones leave too many unread.
 */
const DISCONNECT_REASONS = ["connections", "address", "stalled", "unsent"] as const
export type DisconnectReason = (typeof DISCONNECT_REASONS)[number]

export const disconnects = counterBy(
  "effex_http_disconnects_total",
  "Connections closed by the server, by the limit that they exceeded",
  { reason: DISCONNECT_REASONS }
)

export const unreadableForwardedFor = counter(
  "effex_forwarded_for_unreadable_total",
  "Requests of trusted proxies whose X-Forwarded-For is not a list of IP addresses; they share the limits of the proxy"
)

export const rejectedKeys = counter(
  "effex_api_keys_rejected_total",
  "Requests with an API key that is unknown or revoked"
)
