import { counterBy, gaugeBy } from "./MetricSeries.ts"

const direction = ["deposit", "withdrawal"]

export const requests = counterBy(
  "effex_funding_requests_total",
  "Deposits and withdrawals by the state that they entered: pending when they are requested, then completed or failed",
  { direction, state: ["pending", "completed", "failed"] }
)

export const pending = gaugeBy("effex_funding_pending", "Deposits and withdrawals without an outcome", {
  direction
})

export const oldestPending = gaugeBy(
  "effex_funding_oldest_pending_seconds",
  "Age of the oldest deposit or withdrawal without an outcome",
  { direction }
)

export const unknownOutcomes = counterBy(
  "effex_funding_unknown_outcomes_total",
  "Requests to the payment provider whose outcome is unknown. The deposits and withdrawals stay pending, and are checked again",
  { direction }
)
