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

export const unknownAnswers = counterBy(
  "effex_funding_unknown_answers_total",
  "Questions to the provider of payments without an answer. The requests stay pending, and are asked for again",
  { direction }
)
