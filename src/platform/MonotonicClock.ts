import { type Clock, Effect } from "effect"

/** Returns the milliseconds of the monotonic clock, for durations. Its origin is arbitrary. */
export const millisUnsafe = (clock: Clock.Clock): number => Number(clock.monotonicTimeNanosUnsafe()) / 1e6

/** Milliseconds of the monotonic clock, for durations. Its origin is arbitrary. */
export const millis: Effect.Effect<number> = Effect.clockWith((clock) =>
  Effect.sync(() => millisUnsafe(clock))
)

/**
 * Makes a clock whose time of day is the monotonic time, for modules of Effect that measure durations by the time of day:
 * they would stop for as long as the clock is set back. Never format its times.
 */
export const make = (clock: Clock.Clock): Clock.Clock => {
  const currentTimeMillisUnsafe = () => millisUnsafe(clock)
  return {
    currentTimeMillisUnsafe,
    currentTimeMillis: Effect.sync(currentTimeMillisUnsafe),
    currentTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe(),
    currentTimeNanos: clock.monotonicTimeNanos,
    monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe(),
    monotonicTimeNanos: clock.monotonicTimeNanos,
    sleep: (duration) => clock.sleep(duration)
  }
}
