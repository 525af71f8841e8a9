import { Context, Duration, Effect, ExecutionPlan, Layer, Metric, Option, Order, Ref, Result } from "effect"
import * as Arr from "effect/Array"
import type { AssetPair } from "../domain/money/AssetPair.ts"
import type { RateTick } from "../domain/rates/Rate.ts"
import * as ProviderMetrics from "../platform/metrics/ProviderMetrics.ts"
import * as MonotonicClock from "../platform/MonotonicClock.ts"
import { NotQuoted, type OnDemandLimited, ProviderError, Quarantined } from "./ProviderError.ts"
import * as ProviderHealth from "./ProviderHealth.ts"
import { FAILOVER_TIMEOUT, timeoutReason } from "./ProviderHttp.ts"
import { type RateRequest, RateSource } from "./RateSource.ts"
import { PriceSymbols } from "./PriceSymbols.ts"
import { RateSources } from "./RateSources.ts"
import { RequestPriority } from "./RequestPriority.ts"

/** Request for the rate of a pair. */
export interface ProviderRequest extends RateRequest {
  /** Set if the pair is not polled. Its requests wait for all others, and say nothing about the health of a provider. */
  readonly onDemand?: OnDemandRequest
}

/** Limits of the requests for a pair that is not polled. */
export interface OnDemandRequest {
  /** Returns true if the provider answered a while ago that it does not quote the pair. It is then not asked again. */
  readonly isRefused: (provider: string) => Effect.Effect<boolean>
  /** Records that the provider does not quote the pair. */
  readonly refuse: (provider: string) => Effect.Effect<void>
  /** Counts a provider call before it is made. */
  readonly permit: Effect.Effect<void, OnDemandLimited>
}

/** Time during which a provider that timed out is not used as a reference. */
const REFERENCE_COOLDOWN = Duration.minutes(1)

/** Only a suspicious rate, which needs a current reference, is compared with a source that requests each pair. */
const MAX_SINGLE_REFERENCE_AGE = Duration.minutes(1)

const hasRecentFirst = Order.mapInput(
  Order.Boolean,
  ({ recent }: RateSource["Service"]) => recent === undefined
)

const make = Effect.gen(function* () {
  const sources = yield* RateSources
  const { kindOf } = yield* PriceSymbols
  const planOf = (candidates: Arr.NonEmptyReadonlyArray<RateSource["Service"]>) =>
    ExecutionPlan.make(...Arr.map(candidates, (source) => ({ provide: Context.make(RateSource, source) })))
  const fullPlan = planOf(sources)
  const canQuote =
    (pair: AssetPair) =>
    ({ quotes }: RateSource["Service"]) =>
      quotes === undefined ? kindOf(pair.from) === "currency" && kindOf(pair.to) === "currency" : quotes(pair)
  const ofPrices = sources.filter(({ quotes }) => quotes !== undefined).map(({ name }) => name)
  const health = yield* ProviderHealth.make(
    Arr.map(sources, ({ name }) => name),
    new Set(ofPrices)
  )

  const rate: RateProvider["Service"]["rate"] = Effect.fn("RateProvider.rate")(
    function* (pair, accept, request) {
      yield* Effect.annotateCurrentSpan({ pair: pair.key })
      const errors: Array<ProviderError> = []
      const candidates = sources.filter(canQuote(pair))
      if (!Arr.isReadonlyArrayNonEmpty(candidates)) {
        const detail = `no configured provider has ${pair.key}`
        return yield* new ProviderError({
          provider: sources[0].name,
          pair,
          reason: new NotQuoted({ detail })
        })
      }
      const plan = candidates.length === sources.length ? fullPlan : planOf(candidates)
      const onDemand = request?.onDemand

      const fromSource = Effect.fnUntraced(
        function* (source: RateSource["Service"]) {
          const tick = yield* onDemand === undefined
            ? source.rate(pair, request)
            : rateOnDemand(source, pair, request, onDemand)
          const result = yield* accept(tick).pipe(
            Effect.map(Result.succeed),
            Effect.catch((error) =>
              error instanceof Quarantined
                ? Effect.andThen(
                    source.refuse ?? Effect.void,
                    Effect.fail(new ProviderError({ provider: tick.provider, pair, reason: error }))
                  )
                : // Other failures end the execution plan: another provider would not help.
                  Effect.succeed(Result.fail(error))
            )
          )
          yield* health.recordSuccess(source.name)
          yield* Effect.annotateCurrentSpan({ provider: tick.provider })
          if (Result.isSuccess(result)) {
            yield* Metric.update(ProviderMetrics.ticks.of({ provider: tick.provider }), 1)
          }
          return result
        },
        (effect, source) =>
          Effect.tapError(effect, (error) => {
            errors.push(error)
            const { _tag } = error.reason
            return _tag === "OnDemandLimited" || (_tag === "NotQuoted" && onDemand !== undefined)
              ? Effect.void
              : health.recordFailure(source.name, error)
          })
      )

      const result = yield* Effect.flatMap(RateSource, fromSource).pipe(
        Effect.withExecutionPlan(plan),
        Effect.mapError((last) => combineErrors(errors, last))
      )
      return yield* Effect.fromResult(result)
    }
  )

  // A timeout interrupts the call before its circuit breaker could count it.
  const cooldownUntil = yield* Ref.make<ReadonlyMap<string, number>>(new Map())
  const startCooldown = Effect.fnUntraced(function* (name: string, pair: AssetPair) {
    const until = (yield* MonotonicClock.millis) + Duration.toMillis(REFERENCE_COOLDOWN)
    yield* Ref.update(cooldownUntil, (all) => new Map(all).set(name, until))
    return yield* new ProviderError({ provider: name, pair, reason: timeoutReason(FAILOVER_TIMEOUT) })
  })

  const reference: RateProvider["Service"]["reference"] = Effect.fn("RateProvider.reference")(
    function* (pair, excluded, maxAge) {
      // A source that requests each pair on its own costs a request, so it is the last choice.
      const others = sources.filter((source) => source.name !== excluded && canQuote(pair)(source))
      for (const { name, rate, recent } of others.toSorted(hasRecentFirst)) {
        if (recent === undefined && Duration.isGreaterThan(maxAge, MAX_SINGLE_REFERENCE_AGE)) continue
        const until = (yield* Ref.get(cooldownUntil)).get(name) ?? Number.NEGATIVE_INFINITY
        if ((yield* MonotonicClock.millis) < until) continue
        const found = yield* (recent === undefined ? rate(pair) : recent(pair, maxAge)).pipe(
          Effect.timeoutOrElse({
            duration: FAILOVER_TIMEOUT,
            orElse: () => startCooldown(name, pair)
          }),
          Effect.asSome,
          Effect.catch(({ message }) =>
            Effect.logDebug(`No reference rate: ${message}`).pipe(
              Effect.andThen(Metric.update(ProviderMetrics.missedReferences.of({ provider: name }), 1)),
              Effect.as(Option.none())
            )
          )
        )
        if (Option.isSome(found)) return found
      }
      return Option.none()
    }
  )

  return RateProvider.of({ rate, reference, health: health.all })
})

/** Requests the rate of a pair that is not polled, unless the provider is known not to quote it. */
const rateOnDemand = Effect.fnUntraced(function* (
  { name, rate }: RateSource["Service"],
  pair: AssetPair,
  request: RateRequest | undefined,
  { isRefused, permit, refuse }: OnDemandRequest
) {
  const fail = (reason: ProviderError["reason"]) =>
    Effect.fail(new ProviderError({ provider: name, pair, reason }))
  if (yield* isRefused(name)) return yield* fail(new NotQuoted({ detail: "as it answered a while ago" }))
  yield* Effect.catchTag(permit, "OnDemandLimited", fail)
  return yield* rate(pair, request).pipe(
    Effect.provideService(RequestPriority, "low"),
    Effect.filterOrElse(
      (tick) => !isInverse(tick),
      () => fail(new NotQuoted({ detail: "only the opposite pair, and a rate is never its inverse" }))
    ),
    Effect.tapError(({ reason }) => (reason._tag === "NotQuoted" ? refuse(name) : Effect.void))
  )
})

/** Returns true for a rate that was computed from the quote of the opposite pair alone. */
const isInverse = ({ legs, pair }: RateTick) =>
  legs?.length === 1 && legs[0]?.pair.from === pair.to && legs[0].pair.to === pair.from

/** Returns the error of the first provider with the reasons of the others. */
const combineErrors = ([first, ...others]: ReadonlyArray<ProviderError>, last: ProviderError) =>
  first === undefined || others.length === 0
    ? last
    : new ProviderError({
        provider: first.provider,
        pair: first.pair,
        reason: first.reason,
        others: others.map(({ provider, reason }) => ({ provider, reason }))
      })

/** Rates from the configured providers, with failover. */
export class RateProvider extends Context.Service<
  RateProvider,
  {
    /**
     * Tries the providers in order, and returns the result of `accept` for the first rate that it accepts. Every call
     * starts with the first provider. A provider that does not quote the pair is skipped. `accept` fails with `Quarantined` to try the next one; any other failure ends the
     * call.
     */
    readonly rate: <A, E>(
      pair: AssetPair,
      accept: (tick: RateTick) => Effect.Effect<A, Quarantined | E>,
      request?: ProviderRequest
    ) => Effect.Effect<A, ProviderError | E>
    /**
     * Returns a rate of another provider for comparison, at most `maxAge` old. Returns none when there is no other
     * provider or none responds. After a timeout of 10 seconds, the provider is not used for a minute.
     */
    readonly reference: (
      pair: AssetPair,
      excluded: string,
      maxAge: Duration.Duration
    ) => Effect.Effect<Option.Option<RateTick>>
    /** Health of every provider, in the order of `PROVIDERS`. */
    readonly health: Effect.Effect<Arr.NonEmptyReadonlyArray<ProviderHealth.ProviderHealth>>
  }
>()("effex/providers/RateProvider") {
  static readonly layer = Layer.effect(RateProvider, make)

  /** Rates from a function, for tests. `name` is the provider of its ticks: otherwise it would confirm its own rates. */
  static readonly layerTest = (name: string, rate: RateSource["Service"]["rate"]) =>
    RateProvider.layer.pipe(Layer.provide(Layer.succeed(RateSources, [{ name, rate }])))
}
