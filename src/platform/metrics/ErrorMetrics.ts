import { counterBy } from "./MetricSeries.ts"

export const reports = counterBy(
  "effex_error_reports_total",
  "Error reports, by outcome: sent to SENTRY_DSN, failed, or dropped because the same error was just sent (repeated), the queue was full, or the receiver asked for a pause (rate_limited)",
  { outcome: ["sent", "failed", "repeated", "queue_full", "rate_limited"] }
)
