import { SLOW_SECONDS } from "./Buckets.ts"
import { counterBy, gauge, histogram } from "./MetricSeries.ts"

export const callsInFlight = gauge("effex_database_calls_in_flight", "Database calls in flight")

export const reservedConnections = gauge(
  "effex_database_connections_reserved",
  "Pool connections reserved by long transactions and advisory locks"
)

export const poolSize = gauge("effex_database_connections_max", "Maximum number of pool connections")

export const callDuration = histogram(
  "effex_database_call_duration_seconds",
  "Duration of database calls, including all their statements and retries",
  SLOW_SECONDS
)

export const errors = counterBy(
  "effex_database_errors_total",
  "Failed database calls: unavailable, the database could not be reached; locked, another transaction held a lock for too long; deadline, the call timed out; refused, the database rejected a statement",
  { kind: ["unavailable", "locked", "deadline", "refused"] }
)
