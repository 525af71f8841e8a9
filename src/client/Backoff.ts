import { Clock, Duration, Effect, Random, Schedule } from "effect"

const FIRST_MILLIS = 250
const LONGEST_MILLIS = 10_000

/** A connection that lasted so long was a success: the next one is tried soon after it. */
const LASTING_MILLIS = 5_000

/** Twice as long from one attempt to the next, and spread, so that many clients do not come back at once. */
export const schedule = Schedule.min([
  Schedule.exponential(Duration.millis(FIRST_MILLIS)),
  Schedule.spaced(Duration.millis(LONGEST_MILLIS))
]).pipe(Schedule.jittered)

/** The same for connections, where whoever opens one says how long it lasted. */
export const make = Effect.gen(function* () {
  const clock = yield* Clock.Clock
  let failures = 0
  let openedAt: number | undefined
  const wait = Effect.suspend(() => {
    const most = Math.min(LONGEST_MILLIS, FIRST_MILLIS * 2 ** Math.min(failures++, 16))
    return Effect.map(Random.nextBetween(most / 2, most), Duration.millis)
  })
  return {
    schedule: Schedule.modifyDelay(Schedule.forever, () => wait),
    opened: Effect.sync(() => {
      openedAt = clock.currentTimeMillisUnsafe()
    }),
    closed: Effect.sync(() => {
      if (openedAt !== undefined && clock.currentTimeMillisUnsafe() - openedAt >= LASTING_MILLIS) failures = 0
      openedAt = undefined
    })
  }
})
