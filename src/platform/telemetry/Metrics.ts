import { DecidedBy } from "../../domain/rates/QuarantinedRate.ts"
import { Kind } from "../../domain/access/RateLimit.ts"
import { REASONS } from "../../domain/rates/RateAnomaly.ts"
import { counter, counterBy, gauge, gaugeBy, histogram, histogramBy } from "./MetricSeries.ts"

/** Every metric that effex has, as `/metrics` names it. Those of one node: sum them over the nodes, or take the largest. */

const QUICK_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5]
const SLOW_SECONDS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

export const buildInfo = gaugeBy("effex_build_info", "Always 1; the labels say what runs", {
  version: [],
  node: []
})

// Requests

export const requests = counterBy(
  "effex_http_requests_total",
  "Requests that were answered, by the template of their route; upgraded connections are streams",
  { method: [], route: [], status: [] }
)

export const requestDuration = histogramBy(
  "effex_http_request_duration_seconds",
  "From the arrival of a request to the beginning of its answer",
  QUICK_SECONDS,
  { method: [], route: [], status: [] }
)

export const rateLimited = counterBy(
  "effex_rate_limited_total",
  "Requests that were refused because their caller had asked for too much, by limit",
  { limit: Kind.literals }
)

export const keysRefused = counter(
  "effex_keys_refused_total",
  "API keys that were shown and are not in force"
)

// Rates

const SOURCES = ["memory", "cache", "database", "provider"]

export const lookups = counterBy(
  "effex_rate_lookups_total",
  "Lookups that were answered with a rate, by where it came from",
  { source: SOURCES }
)

export const staleLookups = counter(
  "effex_rate_stale_lookups_total",
  "Lookups that were answered with a stale rate, because it could not be refreshed"
)

export const lookupDuration = histogramBy(
  "effex_rate_lookup_duration_seconds",
  "How long lookups took for which memory was not enough, by where the rate came from",
  [...QUICK_SECONDS, 30],
  { source: [...SOURCES, "nowhere"] }
)

export const oldestRateAge = gauge(
  "effex_rate_oldest_age_seconds",
  "The age of the oldest of the latest rates; 0 where none is known"
)

export const rateAge = gaugeBy(
  "effex_rate_age_seconds",
  "The age of the latest rate of each pair; 0 where none is known",
  {
    pair: []
  }
)

export const knownRates = gauge("effex_rates_known", "Pairs of which a rate is known")

export const expectedRates = gauge("effex_rates_expected", "Pairs of which a rate should be known")

export const staleAfter = gauge("effex_rate_stale_after_seconds", "The age at which a rate is stale")

export const quarantinedRates = counterBy(
  "effex_rates_quarantined_total",
  "Rates that were put aside, by provider and by each reason",
  { provider: [], reason: REASONS }
)

export const quarantineDecisions = counterBy(
  "effex_quarantine_decisions_total",
  "Decisions about rates that were put aside, and by whom or what",
  { decision: ["accepted", "rejected"], by: DecidedBy.literals }
)

export const quarantinePending = gauge(
  "effex_quarantine_pending",
  "Rates that were put aside and wait for a decision"
)

// Providers

export const providerRequests = counterBy(
  "effex_provider_requests_total",
  "Requests to providers, retries included, by outcome",
  {
    provider: [],
    outcome: [
      "success",
      "unreachable",
      "failing",
      "rate_limited",
      "refused",
      "malformed",
      "contradictory",
      "interrupted"
    ]
  }
)

export const providerDuration = histogramBy(
  "effex_provider_request_duration_seconds",
  "How long single requests to providers took, whatever came of them",
  SLOW_SECONDS,
  { provider: [] }
)

export const providerCircuit = gaugeBy(
  "effex_provider_circuit_open",
  "1 while a provider is left alone because it failed too often",
  { provider: [] }
)

export const providerFailures = gaugeBy(
  "effex_provider_failures_in_a_row",
  "Calls of a provider that failed, or were not believed, since the last one that was",
  { provider: [] }
)

export const providerTicks = counterBy(
  "effex_provider_ticks_total",
  "Rates that were taken from providers, by who supplied them",
  { provider: [] }
)

export const missedReferences = counterBy(
  "effex_provider_missed_references_total",
  "Rates that could not be compared with another provider's, because it did not answer",
  { provider: [] }
)

export const inverseConvention = counter(
  "effex_provider_inverse_convention_total",
  "Answers whose rate field stood in the convention of before April 2026"
)

// Polls, and who leads

export const polls = counterBy(
  "effex_polls_total",
  "Polls that this node ran: complete, partial where some pairs failed, failed where all did, broken where it had to end early",
  { outcome: ["complete", "partial", "failed", "broken"] }
)

export const pollInterval = gauge(
  "effex_poll_interval_seconds",
  "From the start of one poll to the start of the next, as this node knows it; 0 while polling is off"
)

export const pollDuration = histogram(
  "effex_poll_duration_seconds",
  "How long a poll of every pair took",
  [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60, 120, 300]
)

export const pollPairs = counterBy("effex_poll_pairs_total", "Pairs that polls asked for, by outcome", {
  outcome: ["refreshed", "failed"]
})

export const lastPoll = gauge(
  "effex_poll_last_success_timestamp_seconds",
  "When this node last ended a poll that refreshed anything; 0 where it has not yet"
)

export const leading = gaugeBy("effex_leader", "1 on the node that does what only one node does", {
  task: ["poller", "sealer"]
})

export const term = gaugeBy(
  "effex_leader_term",
  "The term in which this node leads, or last led; it grows with each change of leader",
  { task: ["poller"] }
)

// Redis

export const redisConfigured = gauge("effex_redis_configured", "1 where there is a REDIS_URL")

export const redisUp = gauge("effex_redis_up", "1 while Redis answers this node")

export const redisRecoveries = counter(
  "effex_redis_recoveries_total",
  "Times that the connection to Redis was lost and made anew"
)

export const redisMisses = counter(
  "effex_redis_misses_total",
  "Rates that were looked for in Redis and not found"
)

export const redisFailures = counter(
  "effex_redis_failures_total",
  "Commands that Redis did not answer, or refused"
)

// Database

export const databaseUnderWay = gauge(
  "effex_database_calls_under_way",
  "Calls to the database that have not been answered yet"
)

export const databaseReserved = gauge(
  "effex_database_connections_reserved",
  "Connections of the pool that long transactions and locks keep to themselves"
)

export const databasePool = gauge(
  "effex_database_connections_max",
  "The most connections that the pool may have"
)

export const databaseDuration = histogram(
  "effex_database_call_duration_seconds",
  "How long calls to the database took, all their statements and retries included",
  SLOW_SECONDS
)

export const databaseErrors = counterBy(
  "effex_database_errors_total",
  "Calls to the database that failed: unavailable where it could not be reached, deadline where it did not answer in time, refused where it refused a statement",
  { kind: ["unavailable", "deadline", "refused"] }
)

// Conversions and their audit

export const conversions = counter("effex_conversions_total", "Conversions that were committed")

export const replays = counter(
  "effex_conversion_replays_total",
  "Conversions that were answered again, under the same key"
)

export const commitDuration = histogram(
  "effex_conversion_commit_duration_seconds",
  "How long conversions waited for their record to be committed",
  SLOW_SECONDS
)

export const lostCommits = counter(
  "effex_conversion_commit_failures_total",
  "Conversions that were refused because their record could not be committed, as far as is known"
)

export const auditBatchSize = histogram(
  "effex_audit_batch_size",
  "How many conversions were committed by one statement",
  [1, 2, 4, 8, 16, 32, 64, 128, 256]
)

export const auditBacklog = gauge(
  "effex_audit_unsealed",
  "Conversions that are committed and wait to be sealed"
)

export const auditLag = gauge(
  "effex_audit_seal_lag_seconds",
  "The age of the oldest conversion that waits to be sealed"
)

export const verifications = counterBy(
  "effex_audit_verifications_total",
  "Times that the whole audit was computed anew, by what was found",
  { outcome: ["whole", "broken"] }
)

// Streams

const TRANSPORTS = ["websocket", "sse", "rpc"]

export const streamConnections = gaugeBy(
  "effex_stream_connections",
  "Connections that are open to be told of changes, by transport",
  { transport: TRANSPORTS }
)

export const streamsCut = counter(
  "effex_stream_cut_total",
  "Streams that were cut because their reader took nothing, or gave no sign of life"
)

export const streamGaps = counter(
  "effex_stream_gaps_total",
  "Times that a reader was told of a gap, and given everything anew"
)

export const streamLag = histogram(
  "effex_stream_lag_seconds",
  "How long what a reader was told had waited for it, from its first change",
  QUICK_SECONDS
)

// The process, under the names that Prometheus' own clients give

export const processStart = gauge(
  "process_start_time_seconds",
  "When the process started, in seconds since 1970"
)

export const processCpu = counter("process_cpu_seconds_total", "Processor time that the process used")

export const processMemory = gauge("process_resident_memory_bytes", "Memory of the process")

export const heapUsed = gauge("nodejs_heap_size_used_bytes", "Memory that objects of JavaScript take")

export const eventLoopUtilization = gauge(
  "nodejs_eventloop_utilization_ratio",
  "The part of the time in which the event loop was busy, since it was last asked for"
)

export const eventLoopDelay = gaugeBy(
  "nodejs_eventloop_delay_seconds",
  "How late the event loop was, since it was last asked for",
  { statistic: ["p50", "p99", "max"] }
)
