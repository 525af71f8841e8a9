import { Clock, Duration, Effect, Ref, Semaphore } from "effect"

/** Keeps requests to one provider apart, however many fibers make them. */
export interface RequestSpacing {
  /** Waits until a request may start. */
  readonly turn: Effect.Effect<void>
  /** Lets no request start before the duration has passed, those that wait for their turn already included. */
  readonly pause: (duration: Duration.Duration) => Effect.Effect<void>
}

export const make = Effect.fnUntraced(function* (spacing: Duration.Duration) {
  const gap = Duration.toNanosUnsafe(spacing)
  // Monotonic: a wall clock that is set back would hold every request for as long.
  const nextTurn = yield* Ref.make(0n)
  const queue = yield* Semaphore.make(1)

  /** Takes the turn if it has come; returns the nanoseconds until then. */
  const take = Effect.flatMap(Clock.monotonicTimeNanos, (now) =>
    Ref.modify(nextTurn, (next) => (next > now ? [next - now, next] : [0n, now + gap]))
  )

  const turn = Effect.gen(function* () {
    let wait = yield* take
    while (wait > 0n) {
      yield* Effect.sleep(Duration.nanos(wait))
      wait = yield* take
    }
  }).pipe(queue.withPermit)

  const pause = Effect.fnUntraced(function* (duration: Duration.Duration) {
    const until = (yield* Clock.monotonicTimeNanos) + Duration.toNanosUnsafe(duration)
    yield* Ref.update(nextTurn, (next) => (next > until ? next : until))
  })

  return { turn, pause } satisfies RequestSpacing
})
