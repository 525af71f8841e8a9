import { REFUSAL_REASONS } from "../RedisRefusals.ts"
import { counter, gauge, gaugeBy } from "./MetricSeries.ts"

export const configured = gauge("effex_redis_configured", "1 when REDIS_URL is set")

export const up = gauge("effex_redis_up", "1 while Redis answers this node and refuses none of its commands")

export const reconnects = counter(
  "effex_redis_recoveries_total",
  "Times the connection to Redis was lost and re-established"
)

export const misses = counter("effex_redis_misses_total", "Cache misses of rates in Redis")

export const failures = counter("effex_redis_failures_total", "Redis commands that failed or timed out")

export const refusing = gaugeBy("effex_redis_refusing", "1 while Redis refuses commands, by reason", {
  reason: REFUSAL_REASONS
})

export const foreignValues = counter(
  "effex_redis_foreign_values_total",
  "Rates in Redis that another deployment, an older version or another program wrote, and that were ignored"
)
