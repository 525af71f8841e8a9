import { Clock, Context, Duration, Effect, ExecutionPlan, Layer, Metric, Option, Ref, Result } from "effect"
import * as Arr from "effect/Array"
import type { CurrencyPair } from "../domain/money/CurrencyPair.ts"
import type { RateTick } from "../domain/rates/Rate.ts"
import * as Metrics from "../platform/telemetry/Metrics.ts"
import { describe, ProviderError, Quarantined } from "./ProviderError.ts"
import { nothingWithin, PATIENCE } from "./ProviderHttp.ts"
import { RateSource } from "./RateSource.ts"
import { RateSources } from "./RateSources.ts"

/** How many calls in a row must fail before a provider is said to fail. */
const FAILURES_TO_SAY_SO = 3

/** How long nobody waits for something to compare with, where the last one who did waited in vain. */
const REST = Duration.minutes(1)

/** How a provider has answered of late. */
export interface ProviderHealth {
  readonly name: string
  /** Calls that failed, or whose answer was not believed, since the last one that was. */
  readonly failuresInARow: number
  /** So many that it is said to fail. */
  readonly fails: boolean
  /** Why the last of them failed, in words for an operator; empty when there is none. */
  readonly lastFailure: string
  /** The latest rate came from it. */
  readonly answeredLast: boolean
}

/** Where rates come from. */
export class RateProvider extends Context.Service<
  RateProvider,
  {
    /**
     * What `judge` makes of one pair's rate, from the first provider whose answer it believes; every call begins with the
     * first one again. Where `judge` fails with anything but `Quarantined`, no other provider is asked.
     */
    readonly rate: <A, E>(
      pair: CurrencyPair,
      judge: (tick: RateTick) => Effect.Effect<A, Quarantined | E>
    ) => Effect.Effect<A, ProviderError | E>
    /**
     * What another provider than the named one says of a pair, to compare with: none where there is no other, or it does
     * not answer. Never older than `maxAge`. One that said nothing for 10 seconds is not waited for again for a minute.
     */
    readonly reference: (
      pair: CurrencyPair,
      besides: string,
      maxAge: Duration.Duration
    ) => Effect.Effect<Option.Option<RateTick>>
    /** Every provider, in the order of PROVIDERS. */
    readonly health: Effect.Effect<Arr.NonEmptyReadonlyArray<ProviderHealth>>
  }
>()("effex/providers/RateProvider") {
  /** The sources, in their order. */
  static readonly layer = Layer.effect(
    RateProvider,
    Effect.suspend(() => make)
  )

  /** Rates from a function, for tests. */
  static readonly layerTest = (ask: RateSource["Service"]["rate"]) =>
    RateProvider.layer.pipe(Layer.provide(Layer.succeed(RateSources, [{ name: "flutterwave", rate: ask }])))
}

const make = Effect.gen(function* () {
  const sources = yield* RateSources
  const [first] = sources
  const plan = ExecutionPlan.make(
    ...Arr.map(sources, (source) => ({ provide: Context.make(RateSource, source) }))
  )
  const failures = yield* Ref.make<ReadonlyMap<string, Failures>>(new Map())
  const answeredLast = yield* Ref.make("")
  const saidToFail = yield* Ref.make(false)

  const failuresOf = (name: string) => Effect.map(Ref.get(failures), (all) => all.get(name) ?? none)
  const setFailures = (name: string, its: (before: Failures) => Failures) =>
    Ref.updateAndGet(failures, (all) => new Map(all).set(name, its(all.get(name) ?? none))).pipe(
      Effect.flatMap((all) =>
        Metric.update(Metrics.providerFailures.of({ provider: name }), all.get(name)?.count ?? 0)
      )
    )
  const answered = (name: string) => setFailures(name, () => none)
  // An open circuit says less than what opened it.
  const failed = (name: string, { reason }: ProviderError) =>
    setFailures(name, ({ count, last }) => ({
      count: count + 1,
      last: reason._tag === "CircuitOpen" && last !== "" ? last : describe(reason)
    }))

  /** Says when another one begins to answer in the place of the first, and when that is over. */
  const sayWhoAnswers = Effect.fnUntraced(function* (name: string) {
    if (name === first.name) {
      if (yield* Ref.getAndSet(saidToFail, false)) yield* Effect.logInfo(`${name} answers again`)
      return
    }
    const { count, last } = yield* failuresOf(first.name)
    if (count < FAILURES_TO_SAY_SO || (yield* Ref.getAndSet(saidToFail, true))) return
    yield* Effect.logWarning(`${first.name} fails: ${last}; ${name} answers instead`)
  })

  const rate: RateProvider["Service"]["rate"] = Effect.fn("RateProvider.rate")(function* (pair, judge) {
    yield* Effect.annotateCurrentSpan({ pair: pair.key })
    const errors: Array<ProviderError> = []

    const ask = Effect.fnUntraced(
      function* (source: RateSource["Service"]) {
        const tick = yield* source.rate(pair)
        const judged = yield* judge(tick).pipe(
          Effect.map(Result.succeed),
          Effect.catch((error) =>
            error instanceof Quarantined
              ? Effect.fail(new ProviderError({ provider: tick.provider, pair, reason: error }))
              : // For the plan, what no other provider can mend is an end like any other.
                Effect.succeed(Result.fail(error))
          )
        )
        yield* answered(source.name)
        yield* sayWhoAnswers(source.name)
        yield* Ref.set(answeredLast, source.name)
        yield* Effect.annotateCurrentSpan({ provider: tick.provider })
        if (Result.isSuccess(judged)) yield* Metric.update(ticksOf(tick.provider), 1)
        return judged
      },
      (answer, source) =>
        Effect.tapError(answer, (error) => {
          errors.push(error)
          return failed(source.name, error)
        })
    )

    const judged = yield* Effect.flatMap(RateSource, ask).pipe(
      Effect.withExecutionPlan(plan),
      Effect.mapError((last) => together(errors, last))
    )
    return yield* Effect.fromResult(judged)
  })

  // Who waits no longer interrupts the call, so that no circuit opens.
  const silentUntil = yield* Ref.make<ReadonlyMap<string, number>>(new Map())
  const silent = Effect.fnUntraced(function* (name: string, pair: CurrencyPair) {
    const until = (yield* Clock.currentTimeMillis) + Duration.toMillis(REST)
    yield* Ref.update(silentUntil, (all) => new Map(all).set(name, until))
    return yield* new ProviderError({ provider: name, pair, reason: nothingWithin(PATIENCE) })
  })

  const reference: RateProvider["Service"]["reference"] = Effect.fn("RateProvider.reference")(
    function* (pair, besides, maxAge) {
      for (const { name, recent } of sources) {
        if (recent === undefined || name === besides) continue
        const until = (yield* Ref.get(silentUntil)).get(name) ?? 0
        if ((yield* Clock.currentTimeMillis) < until) return Option.none()
        return yield* recent(pair, maxAge).pipe(
          Effect.timeoutOrElse({
            duration: PATIENCE,
            orElse: () => silent(name, pair)
          }),
          Effect.asSome,
          Effect.catch(({ message }) =>
            Effect.logDebug(`Nothing to compare with: ${message}`).pipe(
              Effect.andThen(Metric.update(missedReferencesOf(name), 1)),
              Effect.as(Option.none())
            )
          )
        )
      }
      return Option.none()
    }
  )

  const health = Effect.gen(function* () {
    const last = yield* Ref.get(answeredLast)
    const all = yield* Ref.get(failures)
    return Arr.map(sources, ({ name }): ProviderHealth => {
      const { count, last: lastFailure } = all.get(name) ?? none
      return {
        name,
        failuresInARow: count,
        fails: count >= FAILURES_TO_SAY_SO,
        lastFailure,
        answeredLast: name === last
      }
    })
  })

  return RateProvider.of({ rate, reference, health })
})

interface Failures {
  readonly count: number
  readonly last: string
}

const none: Failures = { count: 0, last: "" }

/** The failure of the first provider, and what the others said. */
const together = ([first, ...others]: ReadonlyArray<ProviderError>, last: ProviderError) =>
  first === undefined || others.length === 0
    ? last
    : new ProviderError({
        provider: first.provider,
        pair: first.pair,
        reason: first.reason,
        others: others.map(({ provider, reason }) => ({ provider, reason }))
      })

const ticksOf = (provider: string) => Metrics.providerTicks.of({ provider })
const missedReferencesOf = (provider: string) => Metrics.missedReferences.of({ provider })
