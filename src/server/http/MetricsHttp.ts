import { Clock, DateTime, Duration, Effect, Fiber, Layer, Metric, Option, Redacted, Schedule } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { PrometheusMetrics } from "effect/observability"
import { createHash, timingSafeEqual } from "node:crypto"
import type { AssetPair } from "../../domain/money/AssetPair.ts"
import { AssetCatalog } from "../../assets/AssetCatalog.ts"
import { Unauthorized } from "../../api/Problem.ts"
import { Settings } from "../../config/Settings.ts"
import { AuditSealer } from "../../audit/AuditSealer.ts"
import { SANDBOX_PROVIDER } from "../../domain/rates/Rate.ts"
import { ALL_METRICS } from "../../platform/metrics/AllMetrics.ts"
import * as AuditMetrics from "../../platform/metrics/AuditMetrics.ts"
import * as HttpMetrics from "../../platform/metrics/HttpMetrics.ts"
import * as RateMetrics from "../../platform/metrics/RateMetrics.ts"
import * as RedisMetrics from "../../platform/metrics/RedisMetrics.ts"
import { observe, startAtZero } from "../../platform/metrics/MetricSeries.ts"
import * as PreviousMetricNames from "../../platform/metrics/PreviousMetricNames.ts"
import * as ProcessMonitor from "../../platform/metrics/ProcessMonitor.ts"
import { REFUSAL_REASONS } from "../../platform/RedisRefusals.ts"
import * as SingleFlight from "../../platform/SingleFlight.ts"
import { Broadcaster } from "../../rates/feed/Broadcaster.ts"
import { Quarantine } from "../../rates/guard/Quarantine.ts"
import { PRICE_SANDBOXES } from "../../providers/RateSources.ts"
import { RateCache } from "../../rates/lookup/RateCache.ts"
import * as RateFreshness from "../../rates/RateFreshness.ts"
import * as Problems from "../middleware/Problems.ts"
import { INITIAL_STATUSES } from "../middleware/RequestMetrics.ts"
import * as Routes from "../Routes.ts"

/** Interval of measurements without a scrape, for metrics that are pushed to a collector. */
const MEASURE_INTERVAL = "15 seconds"
/** Maximum time that a scrape waits for the stores. After that, it reports the previous values. */
const STORE_TIMEOUT = "1 second"

/** Routes with latency objectives. Their duration series exist from the start. */
const SLO_ROUTES: ReadonlySet<string> = new Set(["/api/v1/rates", "/api/v1/convert"])

/** Registers the rate gauges, which are read on each export. Returns a function that computes the age of each rate. */
const registerRateGauges = Effect.gen(function* () {
  const { staleAfter } = yield* Settings
  const freshness = yield* RateFreshness.make
  const { pairs } = yield* AssetCatalog
  const cache = yield* RateCache
  const broadcaster = yield* Broadcaster
  const clock = yield* Clock.Clock

  const ageOf = (pair: AssetPair, now: DateTime.Utc) => {
    const rates = [broadcaster.latest(pair), Option.getOrUndefined(cache.peek(pair))]
    const seconds = rates.flatMap((rate) =>
      rate === undefined ? [] : [Duration.toSeconds(freshness.ageAt(rate, now))]
    )
    return seconds.length === 0 ? undefined : Math.min(...seconds)
  }
  const ages = () => {
    const now = DateTime.makeUnsafe(clock.currentTimeMillisUnsafe())
    return pairs.polled.flatMap((pair) => {
      const seconds = ageOf(pair, now)
      return seconds === undefined ? [] : [{ pair, seconds }]
    })
  }

  yield* observe(RateMetrics.expected, () => pairs.polled.length)
  yield* Metric.update(RateMetrics.staleAfter, Duration.toSeconds(staleAfter))
  yield* observe(RateMetrics.known, () => ages().length)
  yield* observe(RateMetrics.oldestAge, () => Math.max(0, ...ages().map(({ seconds }) => seconds)))
  return ages
})

/** Measures the backlog of audit records to seal. */
const measureAudit = Effect.gen(function* () {
  const sealer = yield* AuditSealer
  const { count, since } = yield* sealer.backlog
  const now = yield* DateTime.now
  const lag = DateTime.distance(
    Option.getOrElse(since, () => now),
    now
  )
  yield* Metric.update(AuditMetrics.unsealed, count)
  yield* Metric.update(AuditMetrics.sealLag, Duration.toSeconds(lag))
})

/** Counts quarantined rates that wait for an operator. */
const measureQuarantine = Effect.gen(function* () {
  const quarantine = yield* Quarantine
  yield* Metric.update(RateMetrics.quarantinePending, yield* quarantine.pendingCount)
})

/** Uses Redis: a frozen server keeps its connections open, but does not respond, and a full one refuses writes. */
const measureRedis = Effect.gen(function* () {
  const cache = yield* RateCache
  const { refused, status } = yield* cache.health
  const isUp = (status === "ok" || status === "degraded") && refused === undefined
  yield* Metric.update(RedisMetrics.up, isUp ? 1 : 0)
  for (const reason of REFUSAL_REASONS)
    yield* Metric.update(RedisMetrics.refusing.of({ reason }), reason === refused ? 1 : 0)
})

const measureStores = Effect.all(
  [Effect.ignoreCause(measureAudit), Effect.ignoreCause(measureQuarantine), measureRedis],
  { concurrency: "unbounded", discard: true }
)

/** Creates all time series at zero, so that rates and alerts work from the first event. */
const initializeSeries = Effect.gen(function* () {
  const { exchange, priceProviders, priceSandbox, providers, redisUrl, sandbox } = yield* Settings
  const { pairs } = yield* AssetCatalog
  yield* startAtZero(ALL_METRICS, {
    provider: [
      ...providers,
      ...(priceSandbox ? PRICE_SANDBOXES : priceProviders),
      ...(sandbox || priceSandbox ? [SANDBOX_PROVIDER] : [])
    ],
    exchange: exchange === "off" ? [] : [exchange],
    pair: pairs.polled.map(({ key }) => key)
  })
  for (const { method, template } of Routes.all) {
    const labels = { method: [method], route: [template], status: INITIAL_STATUSES }
    yield* startAtZero([HttpMetrics.requests], labels)
    if (SLO_ROUTES.has(template))
      yield* startAtZero([HttpMetrics.requestDuration], { ...labels, status: ["200"] })
  }
  yield* Metric.update(RedisMetrics.configured, Option.isSome(redisUrl) ? 1 : 0)
})

/** Creates a check for the bearer token of a request, in constant time. */
const tokenCheck = (token: Option.Option<Redacted.Redacted>) => {
  if (Option.isNone(token)) return () => true
  const digestOf = (text: string) => createHash("sha256").update(text).digest()
  const expected = digestOf(`Bearer ${Redacted.value(token.value)}`)
  return (authorization = "") => timingSafeEqual(digestOf(authorization), expected)
}

const CHALLENGE = { "www-authenticate": 'Bearer realm="effex metrics"' }
const missingToken = new Unauthorized({
  detail: "The metrics require the token of METRICS_TOKEN, as `Authorization: Bearer …`"
})

/** Serves the metrics in the Prometheus text format. */
export const layer = Layer.unwrap(
  Effect.gen(function* () {
    yield* initializeSeries
    const ages = yield* registerRateGauges
    const measure = Effect.gen(function* () {
      for (const { pair, seconds } of ages())
        yield* Metric.update(RateMetrics.age.of({ pair: pair.key }), seconds)
      yield* Effect.timeoutOption(measureStores, STORE_TIMEOUT)
    })
    yield* measure.pipe(Effect.repeat(Schedule.spaced(MEASURE_INTERVAL)), Effect.forkScoped)
    // An export takes longer than most requests, so concurrent scrapes share one.
    const sharedExport = yield* SingleFlight.make<string, never>()
    const text = Effect.flatMap(
      sharedExport(
        "metrics",
        Effect.andThen(measure, Effect.map(PrometheusMetrics.format(), PreviousMetricNames.appendTo))
      ),
      Fiber.join
    )
    const isAllowed = tokenCheck((yield* Settings).metricsToken)
    return HttpRouter.add(
      "GET",
      Routes.paths.metrics,
      Effect.gen(function* () {
        const { headers } = yield* HttpServerRequest.HttpServerRequest
        if (!isAllowed(headers["authorization"]))
          return yield* Problems.respond(missingToken, { headers: CHALLENGE })
        return HttpServerResponse.text(yield* text, {
          contentType: "text/plain; version=0.0.4; charset=utf-8"
        })
      })
    )
  })
).pipe(Layer.provideMerge(ProcessMonitor.layer))
