import { Clock, Duration, Effect, Ref } from "effect"

/** Keeps requests to one provider apart, however many fibers make them. */
export interface Spacing {
  /** Waits until a request may start. */
  readonly turn: Effect.Effect<void>
  /** Lets no request start before the duration has passed. */
  readonly pause: (duration: Duration.Duration) => Effect.Effect<void>
}

export const make = Effect.fnUntraced(function* (spacing: Duration.Duration) {
  const gap = Duration.toMillis(spacing)
  const nextTurn = yield* Ref.make(0)

  const turn = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    const start = yield* Ref.modify(nextTurn, (next) => {
      const mine = Math.max(now, next)
      return [mine, mine + gap]
    })
    if (start > now) yield* Effect.sleep(Duration.millis(start - now))
  })

  const pause = Effect.fnUntraced(function* (duration: Duration.Duration) {
    const until = (yield* Clock.currentTimeMillis) + Duration.toMillis(duration)
    yield* Ref.update(nextTurn, (next) => Math.max(next, until))
  })

  return { turn, pause } satisfies Spacing
})
