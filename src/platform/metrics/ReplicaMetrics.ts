import { counterBy, gauge } from "./MetricSeries.ts"

export const lag = gauge(
  "effex_replica_lag_seconds",
  "Time in which the read replica replays what the primary has; it grows while the replica lags or cannot be reached. 0 without a replica"
)

export const isServing = gauge("effex_replica_serving", "1 while the read replica serves reads")

export const reads = counterBy(
  "effex_replica_reads_total",
  "Reads that a replica may serve, by where they were answered: replica; or the primary, because the replica was lagging, unreachable, or failed (the replica cancelled the statement or closed the connection)",
  { answered: ["replica", "lagging", "unreachable", "failed"] }
)
