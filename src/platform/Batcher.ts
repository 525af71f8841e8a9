import { Clock, Duration, Effect, type Exit, Latch, Queue, type Scope } from "effect"

/** Something that a caller waits for. */
export interface Waiting<A, B, E> {
  readonly item: A
  /** When it was asked for, in nanoseconds of the monotonic clock. */
  readonly since: bigint
  /** Tells the caller what came of it; only the first time counts. */
  readonly settle: (outcome: Exit.Exit<B, E>) => void
  /** Nobody waits for it any more. */
  isAbandoned: boolean
}

/** How long a caller waits at most, and what it is told then. One timer holds for all of them. */
export interface Deadline<A, B, E> {
  readonly after: Duration.Duration
  readonly late: (item: A) => Exit.Exit<B, E>
}

/** What callers ask for one by one, and what is done about it together. */
export interface Batcher<A, B, E> {
  readonly one: (item: A) => Effect.Effect<B, E>
  /** What came of each of several, in their order, once it is known of all of them. */
  readonly all: (items: ReadonlyArray<A>) => Effect.Effect<ReadonlyArray<Exit.Exit<B, E>>>
}

/**
 * Does together what callers ask for at about the same time: what comes in one turn of the event loop, and while as many
 * batches as there are `lanes` are handled, goes into the next batch. Nobody waits for a timer. `handle` settles each item
 * of its batch, and does not fail.
 */
export const make = Effect.fnUntraced(function* <A, B, E>(
  most: number,
  handle: (batch: ReadonlyArray<Waiting<A, B, E>>) => Effect.Effect<void>,
  deadline: Deadline<A, B, E>,
  lanes = 1
): Effect.fn.Return<Batcher<A, B, E>, never, Scope.Scope> {
  const clock = yield* Clock.Clock
  const queue = yield* Queue.unbounded<Waiting<A, B, E>>()
  /** Whoever waits, the oldest first. */
  const all = new Set<Waiting<A, B, E>>()
  const somebody = Latch.makeUnsafe(false)

  const after = BigInt(Math.ceil(Duration.toMillis(deadline.after))) * 1_000_000n
  const expire = Effect.gen(function* () {
    yield* somebody.await
    const [oldest] = all
    if (oldest === undefined) {
      somebody.closeUnsafe()
      return
    }
    yield* Effect.sleep(Duration.nanos(oldest.since + after - clock.monotonicTimeNanosUnsafe()))
    // A process that was busy reads first what has arrived in the meantime.
    yield* Effect.yieldNow
    const now = clock.monotonicTimeNanosUnsafe()
    for (const waiting of all) {
      if (now - waiting.since < after) break
      waiting.isAbandoned = true
      waiting.settle(deadline.late(waiting.item))
    }
  })
  yield* Effect.forkScoped(Effect.forever(expire))

  yield* Queue.takeBetween(queue, 1, most).pipe(
    Effect.flatMap((taken) => {
      const batch = taken.filter(({ isAbandoned }) => !isAbandoned)
      return batch.length === 0 ? Effect.void : handle(batch)
    }),
    Effect.forever,
    Effect.forkScoped,
    Effect.repeat({ times: lanes - 1 })
  )

  const ask = (item: A, onOutcome: (outcome: Exit.Exit<B, E>) => void) => {
    const waiting: Waiting<A, B, E> = {
      item,
      since: clock.monotonicTimeNanosUnsafe(),
      settle: (outcome) => {
        if (all.delete(waiting)) onOutcome(outcome)
      },
      isAbandoned: false
    }
    all.add(waiting)
    somebody.openUnsafe()
    Queue.offerUnsafe(queue, waiting)
    return waiting
  }
  const abandon = (waiting: Waiting<A, B, E>) => {
    waiting.isAbandoned = true
    all.delete(waiting)
  }

  return {
    one: (item) =>
      Effect.callback((resume) => {
        const waiting = ask(item, resume)
        return Effect.sync(() => abandon(waiting))
      }),
    all: (items) =>
      items.length === 0
        ? Effect.succeed([])
        : Effect.callback((resume) => {
            const outcomes: Array<Exit.Exit<B, E>> = []
            let left = items.length
            const waiting = items.map((item, i) =>
              ask(item, (outcome) => {
                outcomes[i] = outcome
                if (--left === 0) resume(Effect.succeed(outcomes))
              })
            )
            return Effect.sync(() => waiting.forEach(abandon))
          })
  }
})
