import { Metric } from "effect"

/** Every metric that effex counts itself, as `/metrics` names them. */

export const lookups = Metric.counter("effex_rate_lookups_total", {
  description: "Lookups that were answered with a rate, by where it came from",
  incremental: true
})

export const staleLookups = Metric.counter("effex_rate_stale_lookups_total", {
  description: "Lookups that were answered with a stale rate, because it could not be refreshed",
  incremental: true
})

export const redisMisses = Metric.counter("effex_redis_misses_total", {
  description: "Rates that were looked for in Redis and not found",
  incremental: true
})

export const redisFailures = Metric.counter("effex_redis_failures_total", {
  description: "Commands that Redis did not answer, or refused",
  incremental: true
})

export const providerRequests = Metric.counter("effex_provider_requests_total", {
  description: "Requests to providers, retries included, by outcome",
  incremental: true
})

export const providerTicks = Metric.counter("effex_provider_ticks_total", {
  description: "Rates that were taken from providers, by who supplied them",
  incremental: true
})

export const missedReferences = Metric.counter("effex_provider_missed_references_total", {
  description: "Rates that could not be compared with another provider's, because it did not answer",
  incremental: true
})

export const inverseConvention = Metric.counter("effex_provider_inverse_convention_total", {
  description: "Answers whose rate field stood in the convention of before April 2026",
  incremental: true
})

export const pollDuration = Metric.histogram("effex_poll_duration_seconds", {
  description: "How long a poll of every pair took",
  boundaries: [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60, 120, 300]
})

export const pollPairs = Metric.counter("effex_poll_pairs_total", {
  description: "Pairs that polls asked for, by outcome",
  incremental: true
})

export const oldestRateAge = Metric.gauge("effex_rate_oldest_age_seconds", {
  description: "The age of the oldest of the latest rates"
})

export const knownRates = Metric.gauge("effex_rates_known", {
  description: "Pairs of which a rate is known"
})

export const auditBatchSize = Metric.histogram("effex_audit_batch_size", {
  description: "How many conversions were committed by one statement",
  boundaries: [1, 2, 4, 8, 16, 32, 64, 128, 256]
})

export const auditBacklog = Metric.gauge("effex_audit_unsealed", {
  description: "Conversions that are committed and wait to be sealed"
})

export const auditLag = Metric.gauge("effex_audit_seal_lag_seconds", {
  description: "The age of the oldest conversion that waits to be sealed"
})

export const conversions = Metric.counter("effex_conversions_total", {
  description: "Conversions that were committed",
  incremental: true
})

export const streamConnections = Metric.gauge("effex_stream_connections", {
  description: "Connections that are open to be told of changes, by transport"
})

export const streamsCut = Metric.counter("effex_stream_cut_total", {
  description: "Streams that were cut because their reader took nothing, or gave no sign of life",
  incremental: true
})

export const streamGaps = Metric.counter("effex_stream_gaps_total", {
  description: "Times that a reader was told of a gap, and given everything anew",
  incremental: true
})

export const quarantinedRates = Metric.counter("effex_rates_quarantined_total", {
  description: "Rates that were put aside, by provider and by each reason",
  incremental: true
})

export const quarantineDecisions = Metric.counter("effex_quarantine_decisions_total", {
  description: "Decisions about rates that were put aside, and by whom or what",
  incremental: true
})

export const quarantinePending = Metric.gauge("effex_quarantine_pending", {
  description: "Rates that were put aside and wait for a decision"
})

export const rateLimited = Metric.counter("effex_rate_limited_total", {
  description: "Requests that were refused because their caller had asked for too much, by limit",
  incremental: true
})

export const keysRefused = Metric.counter("effex_keys_refused_total", {
  description: "API keys that were shown and are not in force",
  incremental: true
})
