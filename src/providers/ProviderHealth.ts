import { Effect, Metric, Ref } from "effect"
import * as Arr from "effect/Array"
import * as ProviderMetrics from "../platform/metrics/ProviderMetrics.ts"
import { describe, type ProviderError } from "./ProviderError.ts"

/** Consecutive failures after which a provider is reported as failing. */
const FAILING_THRESHOLD = 3

/** Recent success of a provider. */
export interface ProviderHealth {
  readonly name: string
  /** Consecutive calls that failed or returned a quarantined rate. */
  readonly consecutiveFailures: number
  readonly isFailing: boolean
  /** Description of the last failure for an operator; empty when the last call succeeded. */
  readonly lastFailure: string
  /** True when the latest accepted rate, other than a price, came from this provider. */
  readonly servedLatest: boolean
}

interface Failures {
  readonly count: number
  readonly last: string
}

const noFailures: Failures = { count: 0, last: "" }

/**
 * Tracks the health of the providers in failover order. Logs when a fallback replaces the first, and its recovery. Providers
 * of prices replace no other provider.
 */
export const make = Effect.fnUntraced(function* (
  names: Arr.NonEmptyReadonlyArray<string>,
  ofPrices: ReadonlySet<string>
) {
  const [first] = names
  const failures = yield* Ref.make<ReadonlyMap<string, Failures>>(new Map())
  const servedLatest = yield* Ref.make("")
  const isFailoverLogged = yield* Ref.make(false)

  const updateFailures = (name: string, update: (previous: Failures) => Failures) =>
    Ref.updateAndGet(failures, (all) => new Map(all).set(name, update(all.get(name) ?? noFailures))).pipe(
      Effect.flatMap((all) =>
        Metric.update(ProviderMetrics.consecutiveFailures.of({ provider: name }), all.get(name)?.count ?? 0)
      )
    )

  const logFailover = Effect.fnUntraced(function* (name: string) {
    if (name === first) {
      if (yield* Ref.getAndSet(isFailoverLogged, false)) yield* Effect.logInfo(`${name} has recovered`)
      return
    }
    const { count, last } = (yield* Ref.get(failures)).get(first) ?? noFailures
    if (count < FAILING_THRESHOLD || (yield* Ref.getAndSet(isFailoverLogged, true))) return
    yield* Effect.logWarning(`${first} is failing: ${last}; using ${name} instead`)
  })

  const recordSuccess = Effect.fnUntraced(function* (name: string) {
    yield* updateFailures(name, () => noFailures)
    if (ofPrices.has(name)) return
    yield* logFailover(name)
    yield* Ref.set(servedLatest, name)
  })

  // The reason that opened the circuit is more useful than the open circuit.
  const recordFailure = (name: string, { reason }: ProviderError) =>
    updateFailures(name, ({ count, last }) => ({
      count: count + 1,
      last: reason._tag === "CircuitOpen" && last !== "" ? last : describe(reason)
    }))

  const all = Effect.gen(function* () {
    const latest = yield* Ref.get(servedLatest)
    const byName = yield* Ref.get(failures)
    return Arr.map(names, (name): ProviderHealth => {
      const { count, last } = byName.get(name) ?? noFailures
      return {
        name,
        consecutiveFailures: count,
        isFailing: count >= FAILING_THRESHOLD,
        lastFailure: last,
        servedLatest: name === latest
      }
    })
  })

  return { recordSuccess, recordFailure, all }
})
