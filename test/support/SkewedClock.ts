import { Clock, Duration, Effect } from "effect"

/** A clock that runs in real time and can be set forward, so that a cached value expires without a wait. */
export const make = Effect.map(Effect.service(Clock.Clock), (real) => {
  let skewMillis = 0
  const currentTimeMillisUnsafe = () => real.currentTimeMillisUnsafe() + skewMillis
  const currentTimeNanosUnsafe = () => real.currentTimeNanosUnsafe() + BigInt(skewMillis) * 1_000_000n
  const clock: Clock.Clock = {
    currentTimeMillisUnsafe,
    currentTimeMillis: Effect.sync(currentTimeMillisUnsafe),
    currentTimeNanosUnsafe,
    currentTimeNanos: Effect.sync(currentTimeNanosUnsafe),
    monotonicTimeNanosUnsafe: () => real.monotonicTimeNanosUnsafe(),
    monotonicTimeNanos: real.monotonicTimeNanos,
    sleep: (duration) => real.sleep(duration)
  }
  const setForward = (by: Duration.Input) =>
    Effect.sync(() => {
      skewMillis += Duration.toMillis(by)
    })
  return { clock, setForward }
})
