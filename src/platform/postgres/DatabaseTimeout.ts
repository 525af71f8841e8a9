import { Context, Duration, Effect, Fiber } from "effect"
import { failUnavailable } from "./SqlFailures.ts"

/** Maximum duration of a database call before its caller gets `StoreUnavailable`: 3 seconds, more in tests. */
export class DatabaseTimeout extends Context.Reference<Duration.Duration>(
  "effex/platform/postgres/DatabaseTimeout",
  { defaultValue: () => Duration.seconds(3) }
) {}

/**
 * Fails with `StoreUnavailable` after {@link DatabaseTimeout}. The statement is cancelled in the background: over a
 * network that drops all packets, waiting for the cancellation would take much longer than the timeout. An interruption does
 * not wait for the statement either: a shutdown would otherwise wait for the statement of each background task in turn.
 */
export const withDatabaseTimeout = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.flatMap(DatabaseTimeout, (duration) =>
    withBackgroundCancellation(effect, (result) =>
      Effect.timeoutOrElse(result, {
        duration,
        orElse: () => failUnavailable(`no response within ${Duration.format(duration)}`, "deadline")
      })
    )
  )

/**
 * Runs an effect, and how its result is awaited. When that fails or is interrupted, such as by a timeout, the effect is
 * cancelled in the background.
 */
export const withBackgroundCancellation = <A, E, R, B, E2, R2>(
  effect: Effect.Effect<A, E, R>,
  awaiting: (result: Effect.Effect<A, E>) => Effect.Effect<B, E2, R2>
): Effect.Effect<B, E2, R | R2> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const fiber = yield* Effect.forkDetach(restore(effect), { startImmediately: true })
      return yield* restore(awaiting(Fiber.join(fiber))).pipe(
        Effect.onError(() => Effect.forkDetach(Fiber.interrupt(fiber)))
      )
    })
  )
