import { Clock, Duration, Effect, Latch, Ref, Semaphore } from "effect"
import { RequestPriority } from "./RequestPriority.ts"

/** Spaces the requests of all fibers to one provider. */
export interface RequestSpacing {
  /** Waits until the next request may start. Requests of low {@link RequestPriority} wait for all others. */
  readonly await: Effect.Effect<void>
  /** Delays all requests, including waiting ones, by at least the duration from now. */
  readonly pause: (duration: Duration.Duration) => Effect.Effect<void>
}

export const make = Effect.fnUntraced(function* (spacing: Duration.Duration) {
  const gap = Duration.toNanosUnsafe(spacing)
  // Monotonic: setting back the wall clock would delay all requests.
  const nextStart = yield* Ref.make(0n)
  const queue = yield* Semaphore.make(1)
  const lowQueue = yield* Semaphore.make(1)
  /** Open while no request of normal priority waits. */
  const idle = yield* Latch.make(true)
  let waiting = 0

  /** Reserves the next start if it is due; returns the nanoseconds until it is. */
  const tryStart = Effect.flatMap(Clock.monotonicTimeNanos, (now) =>
    Ref.modify(nextStart, (next) => (next > now ? [next - now, next] : [0n, now + gap]))
  )

  const awaitStart = Effect.gen(function* () {
    let wait = yield* tryStart
    while (wait > 0n) {
      yield* Effect.sleep(Duration.nanos(wait))
      wait = yield* tryStart
    }
  }).pipe(queue.withPermit)

  const awaitStartFirst = Effect.acquireUseRelease(
    Effect.sync(() => {
      waiting++
      idle.closeUnsafe()
    }),
    () => awaitStart,
    () =>
      Effect.sync(() => {
        waiting--
        if (waiting === 0) idle.openUnsafe()
      })
  )

  const awaitStartLast = Effect.gen(function* () {
    while (true) {
      yield* idle.await
      const wait = yield* tryStart
      if (wait === 0n) return
      yield* Effect.sleep(Duration.nanos(wait))
    }
  }).pipe(lowQueue.withPermit)

  const pause = Effect.fnUntraced(function* (duration: Duration.Duration) {
    const until = (yield* Clock.monotonicTimeNanos) + Duration.toNanosUnsafe(duration)
    yield* Ref.update(nextStart, (next) => (next > until ? next : until))
  })

  return {
    await: Effect.flatMap(RequestPriority, (priority) =>
      priority === "low" ? awaitStartLast : awaitStartFirst
    ),
    pause
  } satisfies RequestSpacing
})
