import { SLOW_SECONDS } from "./Buckets.ts"
import { counter, histogram } from "./MetricSeries.ts"

export const conversions = counter("effex_conversions_total", "Conversions committed")

export const replays = counter(
  "effex_conversion_replays_total",
  "Conversion requests answered from their idempotency key"
)

export const commitDuration = histogram(
  "effex_conversion_commit_duration_seconds",
  "Time that conversions waited for the commit of their audit record",
  SLOW_SECONDS
)

export const commitFailures = counter(
  "effex_conversion_commit_failures_total",
  "Conversions rejected because the commit of their audit record failed or has an unknown outcome"
)
