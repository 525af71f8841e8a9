import { counterBy, gauge, histogram } from "./MetricSeries.ts"

export const batchSize = histogram(
  "effex_audit_batch_size",
  "Number of audit records committed by one statement",
  [1, 2, 4, 8, 16, 32, 64, 128, 256]
)

export const unsealed = gauge("effex_audit_unsealed", "Committed audit records that are not sealed yet")

export const sealLag = gauge("effex_audit_seal_lag_seconds", "Age of the oldest unsealed audit record")

export const verifications = counterBy(
  "effex_audit_verifications_total",
  "Full verifications of the audit log, by outcome",
  { outcome: ["whole", "broken"] }
)
