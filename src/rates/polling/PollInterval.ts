import { Clock, Duration, Effect, Option, Result, Stream } from "effect"
import type { PollCadence } from "../../platform/PollCadence.ts"

/**
 * Runs a poll immediately and then at every interval, measured from start to start. After a failure it retries with
 * exponential backoff, from 5 seconds up to the interval. A change of the interval applies from the start of the previous
 * poll, and never interrupts a poll. Ends when polling is turned off or the leader term ends.
 */
export const repeatAtCadence =
  (cadence: PollCadence["Service"]) =>
  <E extends { readonly _tag: string; readonly message: string }, R>(poll: Effect.Effect<void, E, R>) =>
    Effect.gen(function* () {
      let failures = 0
      while (Option.isSome(cadence.interval())) {
        const startedAt = yield* Clock.monotonicTimeNanos
        const outcome = yield* Effect.result(poll)
        if (Result.isFailure(outcome) && outcome.failure._tag === "Superseded")
          return yield* Effect.fail(outcome.failure)
        if (Result.isFailure(outcome)) yield* logFailure(outcome.failure)
        failures = Result.isFailure(outcome) ? failures + 1 : 0
        const finishedAt = yield* Clock.monotonicTimeNanos
        yield* awaitDue(cadence, (interval) =>
          failures === 0
            ? { since: startedAt, delay: interval }
            : { since: finishedAt, delay: backoff(failures, interval) }
        )
      }
    })

/** Waits until polling is enabled. */
export const awaitEnabled = ({ changes }: PollCadence["Service"]) =>
  changes.pipe(Stream.filter(Option.isSome), Stream.runHead, Effect.asVoid)

/** Due time of a poll. */
interface DueTime {
  /** Monotonic clock, in nanoseconds. */
  readonly since: bigint
  readonly delay: Duration.Duration
}

/** Waits until the next poll is due or polling is off, and follows changes of the interval. */
const awaitDue = ({ changes }: PollCadence["Service"], dueTime: (interval: Duration.Duration) => DueTime) =>
  changes.pipe(
    Stream.switchMap((interval) => {
      if (Option.isNone(interval)) return Stream.succeed(undefined)
      const { delay, since } = dueTime(interval.value)
      return Stream.fromEffect(
        Effect.flatMap(Clock.monotonicTimeNanos, (now) =>
          Effect.sleep(Duration.subtract(delay, Duration.nanos(now - since)))
        )
      )
    }),
    Stream.runHead
  )

const MIN_BACKOFF = Duration.seconds(5)

const backoff = (failures: number, interval: Duration.Duration) =>
  Duration.min(Duration.times(MIN_BACKOFF, 2 ** (failures - 1)), interval)

const logFailure = (error: { readonly _tag: string; readonly message: string }) =>
  error._tag === "PollInProgress"
    ? Effect.logInfo("Another process is polling")
    : Effect.logError(`Poll failed: ${error.message}`)
