import { counterBy, gauge, gaugeBy, histogramBy } from "./MetricSeries.ts"

/** Polls of prices are counted apart, so that they do not hide failing polls of currencies. */
const set = ["currencies", "prices"] as const

export const polls = counterBy(
  "effex_polls_total",
  "Polls run by this node: complete; partial, some pairs failed; failed, all pairs failed; broken, ended early",
  { set, outcome: ["complete", "partial", "failed", "broken"] }
)

export const interval = gauge(
  "effex_poll_interval_seconds",
  "Time between the starts of two polls of currencies, as known to this node; 0 while polling is off"
)

export const priceInterval = gauge(
  "effex_price_poll_interval_seconds",
  "Time between the starts of two polls of prices, as known to this node; 0 while it is off"
)

export const duration = histogramBy(
  "effex_poll_duration_seconds",
  "Duration of a poll of all its pairs",
  [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60, 120, 300],
  { set }
)

export const pairs = counterBy("effex_poll_pairs_total", "Pairs polled, by outcome", {
  set,
  outcome: ["refreshed", "failed"]
})

export const lastSuccess = gaugeBy(
  "effex_poll_last_success_timestamp_seconds",
  "Unix time of the end of this node's last poll that refreshed a pair; 0 before the first",
  { set }
)
