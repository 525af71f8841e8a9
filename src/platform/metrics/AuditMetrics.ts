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

export const sealRefused = gauge(
  "effex_audit_seal_refused",
  "1 while records are not sealed because the audit contradicts a signed head, else 0"
)

export const headsPublished = counterBy(
  "effex_audit_heads_published_total",
  "Signed heads that were written to AUDIT_HEADS_FILE or sent to AUDIT_HEADS_URL",
  { destination: ["file", "url"] }
)

export const headPublishFailures = counterBy(
  "effex_audit_head_publish_failures_total",
  "Failed attempts to write signed heads to AUDIT_HEADS_FILE or to send them to AUDIT_HEADS_URL",
  { destination: ["file", "url"] }
)
