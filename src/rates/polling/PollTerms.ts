import { Duration, Effect, Option, Schedule, Stream } from "effect"
import { Superseded } from "../../platform/LeaderTerms.ts"
import type { PollCadence } from "../../platform/PollCadence.ts"

/** Minimum time that a superseded process leaves polling to the new leader. */
const SUPERSEDED_COOLDOWN = Duration.seconds(30)

/** Repeats a leader's term without end: starts a new one when one has ended or could not start. */
export const repeatTerms = <E extends { readonly _tag: string; readonly message: string }, R>(
  term: Effect.Effect<void, E | Superseded, R>,
  cadence: PollCadence["Service"]
) =>
  term.pipe(
    Effect.catchIf(
      (error) => error instanceof Superseded,
      (error) => Effect.andThen(Effect.logWarning(error.message), coolDown(cadence))
    ),
    Effect.tapError((error) => Effect.logError(`Starting a leader term failed: ${error.message}`)),
    Effect.retry(Schedule.spaced("5 seconds")),
    Effect.orDie,
    Effect.forever
  )

/** Waits one interval, so that the new leader has polled; a change of the interval applies immediately. */
const coolDown = ({ changes }: PollCadence["Service"]) =>
  changes.pipe(
    Stream.switchMap((interval) =>
      Stream.fromEffect(
        Effect.sleep(
          Duration.max(
            Option.getOrElse(interval, () => SUPERSEDED_COOLDOWN),
            SUPERSEDED_COOLDOWN
          )
        )
      )
    ),
    Stream.runHead
  )
