import { Clock, Duration, Effect } from "effect"

type Time = Pick<
  Clock.Clock,
  "currentTimeMillisUnsafe" | "currentTimeNanosUnsafe" | "monotonicTimeNanosUnsafe"
>

/** A clock that runs like the one of the context, but can skip time, and can be set to a wrong time of day. */
export const make = Effect.map(Effect.service(Clock.Clock), (base) => {
  let time: Time = base
  let skippedMillis = 0
  let skewMillis = 0
  const nanos = (millis: number) => BigInt(millis) * 1_000_000n
  const currentTimeMillisUnsafe = () => time.currentTimeMillisUnsafe() + skippedMillis + skewMillis
  const currentTimeNanosUnsafe = () => time.currentTimeNanosUnsafe() + nanos(skippedMillis + skewMillis)
  const monotonicTimeNanosUnsafe = () => time.monotonicTimeNanosUnsafe() + nanos(skippedMillis)
  const clock: Clock.Clock = {
    // Keeps the methods of a TestClock.
    ...base,
    currentTimeMillisUnsafe,
    currentTimeMillis: Effect.sync(currentTimeMillisUnsafe),
    currentTimeNanosUnsafe,
    currentTimeNanos: Effect.sync(currentTimeNanosUnsafe),
    monotonicTimeNanosUnsafe,
    monotonicTimeNanos: Effect.sync(monotonicTimeNanosUnsafe),
    sleep: (duration) => base.sleep(duration)
  }
  /** Skips time, so that cached values expire without a wait. */
  const setForward = (by: Duration.Input) =>
    Effect.sync(() => {
      skippedMillis += Duration.toMillis(by)
    })
  /** Stops the clock until the scope closes: it only changes when it is set. Timers run on. */
  const stop = Effect.acquireRelease(
    Effect.sync(() => {
      const [millis, nanos, monotonic] = [
        base.currentTimeMillisUnsafe(),
        base.currentTimeNanosUnsafe(),
        base.monotonicTimeNanosUnsafe()
      ]
      time = {
        currentTimeMillisUnsafe: () => millis,
        currentTimeNanosUnsafe: () => nanos,
        monotonicTimeNanosUnsafe: () => monotonic
      }
    }),
    () =>
      Effect.sync(() => {
        time = base
      })
  )
  /** Sets the time of day, as an operator or NTP does: the monotonic clock is not affected. */
  const setTimeOfDay = (skew: Duration.Input, direction: "ahead" | "behind") =>
    Effect.sync(() => {
      skewMillis = direction === "ahead" ? Duration.toMillis(skew) : -Duration.toMillis(skew)
    })
  return { clock, setForward, setTimeOfDay, stop }
})
