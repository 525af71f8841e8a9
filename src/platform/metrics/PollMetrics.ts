import { counterBy, gauge, histogram } from "./MetricSeries.ts"

export const polls = counterBy(
  "effex_polls_total",
  "Polls run by this node: complete; partial, some pairs failed; failed, all pairs failed; broken, ended early",
  { outcome: ["complete", "partial", "failed", "broken"] }
)

export const interval = gauge(
  "effex_poll_interval_seconds",
  "Time between the starts of two polls, as known to this node; 0 while polling is off"
)

export const duration = histogram(
  "effex_poll_duration_seconds",
  "Duration of a poll of all pairs",
  [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60, 120, 300]
)

export const pairs = counterBy("effex_poll_pairs_total", "Pairs polled, by outcome", {
  outcome: ["refreshed", "failed"]
})

export const lastSuccess = gauge(
  "effex_poll_last_success_timestamp_seconds",
  "Unix time of the end of this node's last poll that refreshed a pair; 0 before the first"
)
