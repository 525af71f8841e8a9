import { Clock, Duration, Effect, Option, Result, Stream } from "effect"
import type { PollCadence } from "../../platform/PollCadence.ts"

/**
 * Polls at once and then at every interval, from the start of one poll to the start of the next, and after a failure
 * sooner: in 5 seconds, then in twice as long each time, up to the interval. A change of the interval holds from the
 * poll before it on, and cuts no poll. It ends where polling is turned off, and with the term of a leader.
 */
export const repeatedly =
  (cadence: PollCadence["Service"]) =>
  <E extends { readonly _tag: string; readonly message: string }, R>(poll: Effect.Effect<void, E, R>) =>
    Effect.gen(function* () {
      let failures = 0
      while (Option.isSome(cadence.interval())) {
        const begun = yield* Clock.monotonicTimeNanos
        const outcome = yield* Effect.result(poll)
        if (Result.isFailure(outcome) && outcome.failure._tag === "Superseded")
          return yield* Effect.fail(outcome.failure)
        if (Result.isFailure(outcome)) yield* report(outcome.failure)
        failures = Result.isFailure(outcome) ? failures + 1 : 0
        const ended = yield* Clock.monotonicTimeNanos
        yield* untilDue(cadence, (interval) =>
          failures === 0
            ? { since: begun, wait: interval }
            : { since: ended, wait: backoff(failures, interval) }
        )
      }
    })

/** Waits until polling is on. */
export const untilOn = ({ changes }: PollCadence["Service"]) =>
  changes.pipe(Stream.filter(Option.isSome), Stream.runHead, Effect.asVoid)

/** When a poll is due: so long after a moment of the monotonic clock, in nanoseconds. */
interface Due {
  readonly since: bigint
  readonly wait: Duration.Duration
}

/** Waits until the next poll is due, however the interval changes meanwhile, or until polling is off. */
const untilDue = ({ changes }: PollCadence["Service"], dueIn: (interval: Duration.Duration) => Due) =>
  changes.pipe(
    Stream.switchMap((interval) => {
      if (Option.isNone(interval)) return Stream.succeed(undefined)
      const { since, wait } = dueIn(interval.value)
      return Stream.fromEffect(
        Effect.flatMap(Clock.monotonicTimeNanos, (now) =>
          Effect.sleep(Duration.subtract(wait, Duration.nanos(now - since)))
        )
      )
    }),
    Stream.runHead
  )

const FIRST_RETRY = Duration.seconds(5)

const backoff = (failures: number, interval: Duration.Duration) =>
  Duration.min(Duration.times(FIRST_RETRY, 2 ** (failures - 1)), interval)

const report = (error: { readonly _tag: string; readonly message: string }) =>
  error._tag === "PollUnderWay"
    ? Effect.logInfo("Another process is polling")
    : Effect.logError(`The poll failed: ${error.message}`)
