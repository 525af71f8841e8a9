import { Duration, Effect, Schedule } from "effect"

/**
 * Polls at once and then at every interval, from the start of one poll to the start of the next, and after a failure
 * sooner: in 5 seconds, then in twice as long each time, up to the interval. It ends with the term of a leader.
 */
export const repeatedly =
  (interval: Duration.Duration) =>
  <E extends { readonly _tag: string; readonly message: string }, R>(poll: Effect.Effect<void, E, R>) =>
    poll.pipe(
      Effect.tapError(report),
      untilNext(interval),
      Effect.retry({
        while: (error) => error._tag !== "Superseded",
        schedule: Schedule.min([Schedule.exponential("5 seconds"), Schedule.spaced(interval)])
      }),
      Effect.forever
    )

/** Waits for what is left of the interval since the poll began. */
const untilNext =
  (interval: Duration.Duration) =>
  <A, E, R>(poll: Effect.Effect<A, E, R>) =>
    Effect.flatMap(Effect.timed(poll), ([took]) => Effect.sleep(Duration.subtract(interval, took)))

const report = (error: { readonly _tag: string; readonly message: string }) => {
  switch (error._tag) {
    case "Superseded":
      return Effect.void
    case "PollUnderWay":
      return Effect.logInfo("Another process is polling")
    default:
      return Effect.logError(`The poll failed: ${error.message}`)
  }
}
