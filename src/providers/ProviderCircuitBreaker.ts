import { Cause, Clock, Duration, Effect, Exit, Option, Schedule, Stream } from "effect"
import { Metric } from "effect"
import { CircuitBreaker } from "effect/persistence"
import * as ProviderMetrics from "../platform/metrics/ProviderMetrics.ts"
import * as MonotonicClock from "../platform/MonotonicClock.ts"
import { PollCadence } from "../platform/PollCadence.ts"
import { CircuitOpen, type ProviderReason } from "./ProviderError.ts"

/** Consecutive failures that open the circuit. */
const FAILURE_THRESHOLD = 5
/** Maximum wait for the probe of a half-open circuit. */
const PROBE_TIMEOUT = Duration.seconds(3)
const MAX_OPEN_WITHOUT_POLLING = Duration.minutes(1)
const MAX_OPEN = Duration.minutes(5)
const MAX_BACKOFF = Duration.minutes(1)

/** Rejects calls with `CircuitOpen` while a provider fails. */
export interface ProviderCircuitBreaker {
  readonly protect: <A>(call: Effect.Effect<A, ProviderReason>) => Effect.Effect<A, ProviderReason>
}

/** Makes the circuit breaker of the named provider and reports its state as a metric. */
export const make = Effect.fnUntraced(function* (name: string) {
  const cadence = yield* PollCadence
  const maxOpen = () => maxOpenDuration(cadence.interval())
  const breaker = yield* CircuitBreaker.make({
    tripPolicy: CircuitBreaker.consecutive(FAILURE_THRESHOLD),
    openDuration: Schedule.exponential("2 seconds").pipe(
      Schedule.modifyDelay(({ duration }) =>
        Effect.sync(() => Duration.min(duration, Duration.min(maxOpen(), MAX_BACKOFF)))
      )
    )
  }).pipe(Effect.provide(CircuitBreaker.layerStoreMemory()))

  yield* breaker.transitions.pipe(
    Stream.runForEach(({ to }) =>
      Metric.update(ProviderMetrics.circuitOpen.of({ provider: name }), to === "Closed" ? 0 : 1)
    ),
    Effect.forkScoped
  )

  // The breaker measures by the time of day: a clock that is set back would keep the circuit open for as long.
  const clock = yield* Clock.Clock
  const monotonicClock = MonotonicClock.make(clock)

  const protect = <A>(call: Effect.Effect<A, ProviderReason>): Effect.Effect<A, ProviderReason> =>
    Effect.provideService(call, Clock.Clock, clock).pipe(
      breaker.execute<A, ProviderReason>({ key: name, classify: classify(maxOpen) }),
      Effect.retry({ schedule: probeRetries, while: isProbing }),
      Effect.provideService(Clock.Clock, monotonicClock),
      Effect.mapError((error) =>
        error._tag === "CircuitBreakerError"
          ? new CircuitOpen({ retryAfter: retryAfter(error.reason) })
          : error
      )
    )

  return { protect } satisfies ProviderCircuitBreaker
})

/**
 * Returns the maximum open time. It is half of the poll interval, because the circuit opens some time after the start of
 * a poll: the next poll then already uses a recovered provider.
 */
const maxOpenDuration = Option.match({
  onNone: () => MAX_OPEN_WITHOUT_POLLING,
  onSome: (interval: Duration.Duration) => Duration.min(Duration.divideUnsafe(interval, 2), MAX_OPEN)
})

/** Counts only failures of the provider as a whole, not those of one pair. */
const classify =
  (maxOpen: () => Duration.Duration) =>
  (exit: Exit.Exit<unknown, ProviderReason>): CircuitBreaker.Outcome => {
    if (Exit.isSuccess(exit)) return CircuitBreaker.success
    const reason = Option.getOrUndefined(Cause.findErrorOption(exit.cause))
    switch (reason?._tag) {
      case "RateLimited":
        return CircuitBreaker.failure({
          retryAfter: reason.retryAfter && Duration.min(reason.retryAfter, maxOpen())
        })
      case "Failing":
        return reason.status >= 500 ? CircuitBreaker.failure() : CircuitBreaker.ignored
      // A gateway can return its error page with status 200.
      case "Malformed":
      case "Unreachable":
        return CircuitBreaker.failure()
      default:
        return CircuitBreaker.ignored
    }
  }

const probeRetries = Schedule.spaced("50 millis").pipe(Schedule.upTo({ duration: PROBE_TIMEOUT }))

const isProbing = (error: ProviderReason | CircuitBreaker.CircuitBreakerError) =>
  error._tag === "CircuitBreakerError" && error.reason._tag === "CircuitHalfOpen"

const retryAfter = (reason: CircuitBreaker.CircuitBreakerErrorReason) =>
  reason._tag === "CircuitOpen" ? reason.retryAfter : Duration.seconds(1)
