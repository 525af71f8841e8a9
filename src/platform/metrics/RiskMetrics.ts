import { counterBy, gauge } from "./MetricSeries.ts"

export const decisions = counterBy(
  "effex_risk_decisions_total",
  "Rules that fired, by rule and by outcome of the movement",
  {
    rule: [
      "velocity",
      "asset_velocity",
      "new_account",
      "new_device",
      "deposit_withdrawal",
      "circular_transfer",
      "small_orders",
      "failed_logins"
    ],
    outcome: ["allow", "review", "deny"]
  }
)

export const reviews = counterBy(
  "effex_risk_reviews_total",
  "Reviews that ended: decided by an administrator, cancelled with what was held, or expired",
  { outcome: ["approved", "rejected", "cancelled", "expired"] }
)

export const openReviews = gauge("effex_risk_open_reviews", "Movements that wait for an administrator")

export const oldestReview = gauge(
  "effex_risk_oldest_review_seconds",
  "Time that the oldest movement has waited for an administrator"
)
