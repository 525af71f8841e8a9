import { SLOW_SECONDS } from "./Buckets.ts"
import { counter, counterBy, gaugeBy, histogramBy } from "./MetricSeries.ts"

export const requests = counterBy(
  "effex_provider_requests_total",
  "Requests to rate providers, including retries, by provider and outcome",
  {
    provider: [],
    outcome: [
      "success",
      "unreachable",
      "failing",
      "rate_limited",
      "refused",
      "not_quoted",
      "malformed",
      "contradictory",
      "interrupted"
    ]
  }
)

export const requestDuration = histogramBy(
  "effex_provider_request_duration_seconds",
  "Duration of single requests to rate providers, successful or not",
  SLOW_SECONDS,
  { provider: [] }
)

export const circuitOpen = gaugeBy(
  "effex_provider_circuit_open",
  "1 while the circuit breaker blocks requests to a provider",
  { provider: [] }
)

export const consecutiveFailures = gaugeBy(
  "effex_provider_consecutive_failures",
  "Consecutive provider calls that failed or returned a quarantined rate",
  { provider: [] }
)

export const ticks = counterBy("effex_provider_ticks_total", "Rates accepted from providers, by provider", {
  provider: []
})

export const missedReferences = counterBy(
  "effex_provider_missed_references_total",
  "Rates that could not be compared with a reference because its provider did not respond",
  { provider: [] }
)

export const inverseConvention = counter(
  "effex_provider_inverse_convention_total",
  "Flutterwave responses whose rate field uses the inverse convention of before April 2026"
)
