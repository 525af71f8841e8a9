import { DecidedBy } from "../../domain/rates/QuarantinedRate.ts"
import { REASONS } from "../../domain/rates/RateAnomaly.ts"
import { FAST_SECONDS } from "./Buckets.ts"
import { counter, counterBy, gauge, gaugeBy, histogramBy } from "./MetricSeries.ts"

const SOURCES = ["memory", "cache", "database", "provider"]

export const lookups = counterBy(
  "effex_rate_lookups_total",
  "Rate lookups that returned a rate, by the source of the rate",
  { source: SOURCES }
)

export const staleLookups = counter(
  "effex_rate_stale_lookups_total",
  "Rate lookups that returned a stale rate because the refresh failed"
)

export const lookupDuration = histogramBy(
  "effex_rate_lookup_duration_seconds",
  "Duration of rate lookups that memory could not serve, by the source of the rate",
  [...FAST_SECONDS, 30],
  { source: [...SOURCES, "nowhere"] }
)

export const oldestAge = gauge(
  "effex_rate_oldest_age_seconds",
  "Age of the oldest latest rate of any pair; 0 when no rate is known"
)

export const age = gaugeBy(
  "effex_rate_age_seconds",
  "Age of the latest rate, by pair; 0 when no rate is known",
  { pair: [] }
)

export const known = gauge("effex_rates_known", "Number of pairs with a known rate")

export const expected = gauge("effex_rates_expected", "Number of configured pairs")

export const staleAfter = gauge("effex_rate_stale_after_seconds", "Age from which a rate is stale")

export const quarantined = counterBy(
  "effex_rates_quarantined_total",
  "Rates quarantined, by provider and reason; a rate with several reasons counts once for each",
  { provider: [], reason: REASONS }
)

export const quarantineDecisions = counterBy(
  "effex_quarantine_decisions_total",
  "Decisions on quarantined rates, by decision and decision maker",
  { decision: ["accepted", "rejected"], by: DecidedBy.literals }
)

export const quarantinePending = gauge(
  "effex_quarantine_pending",
  "Number of quarantined rates that await a decision"
)
