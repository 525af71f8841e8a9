import { Clock, Duration, Effect, Random, Schedule } from "effect"

const INITIAL_DELAY_MILLIS = 250
const MAX_DELAY_MILLIS = 10_000

/** A connection that lasted this long counts as a success and resets the backoff. */
const STABLE_CONNECTION_NANOS = 5_000_000_000n

/** Exponential backoff with jitter, which spreads the reconnects of many clients. */
export const schedule = Schedule.min([
  Schedule.exponential(Duration.millis(INITIAL_DELAY_MILLIS)),
  Schedule.spaced(Duration.millis(MAX_DELAY_MILLIS))
]).pipe(Schedule.jittered)

/** Makes a backoff for a connection, which a stable connection resets. The caller reports `opened` and `closed`. */
export const make = Effect.gen(function* () {
  const clock = yield* Clock.Clock
  let failures = 0
  let openedAt: bigint | undefined
  const nextDelay = Effect.suspend(() => {
    const maxDelay = Math.min(MAX_DELAY_MILLIS, INITIAL_DELAY_MILLIS * 2 ** Math.min(failures++, 16))
    return Effect.map(Random.nextBetween(maxDelay / 2, maxDelay), Duration.millis)
  })
  return {
    schedule: Schedule.modifyDelay(Schedule.forever, () => nextDelay),
    opened: Effect.sync(() => {
      openedAt = clock.monotonicTimeNanosUnsafe()
    }),
    closed: Effect.sync(() => {
      const isStable =
        openedAt !== undefined && clock.monotonicTimeNanosUnsafe() - openedAt >= STABLE_CONNECTION_NANOS
      if (isStable) failures = 0
      openedAt = undefined
    })
  }
})
