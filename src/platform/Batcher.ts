import { Clock, Duration, Effect, type Exit, Latch, Queue, type Scope } from "effect"

/** A queued item, with a caller waiting for its outcome. */
export interface BatchItem<A, B, E> {
  readonly item: A
  /** When the item was queued, in nanoseconds of the monotonic clock. */
  readonly queuedAt: bigint
  /** Passes the outcome to the caller. Only the first call has an effect. */
  readonly settle: (outcome: Exit.Exit<B, E>) => void
  /** True once the caller was interrupted or has timed out. */
  isAbandoned: boolean
}

export interface BatcherOptions<A, B, E> {
  /** Handles a batch and settles each of its items. Must not fail. */
  readonly handle: (batch: ReadonlyArray<BatchItem<A, B, E>>) => Effect.Effect<void>
  readonly maxBatchSize: number
  /** Number of batches handled at the same time. Defaults to 1. */
  readonly concurrency?: number
  /** How long a caller waits for the outcome of its item. */
  readonly timeout: Duration.Duration
  /** Returns the outcome of an item that timed out. It may still be handled. */
  readonly onTimeout: (item: A) => Exit.Exit<B, E>
}

/** Batches concurrent items. */
export interface Batcher<A, B, E> {
  /** Adds one item to the next batch and waits for its outcome. */
  readonly run: (item: A) => Effect.Effect<B, E>
}

/**
 * Creates a batcher that never delays an item: a batch starts as soon as one of the `concurrency` lanes is free, with all
 * items queued by then.
 */
export const make = Effect.fnUntraced(function* <A, B, E>({
  concurrency = 1,
  handle,
  maxBatchSize,
  onTimeout,
  timeout
}: BatcherOptions<A, B, E>): Effect.fn.Return<Batcher<A, B, E>, never, Scope.Scope> {
  const clock = yield* Clock.Clock
  const queue = yield* Queue.unbounded<BatchItem<A, B, E>>()
  /** Items without an outcome, oldest first. One fiber times out all of them. */
  const pending = new Set<BatchItem<A, B, E>>()
  const hasPending = Latch.makeUnsafe(false)

  const timeoutNanos = BigInt(Math.ceil(Duration.toMillis(timeout))) * 1_000_000n
  const expireOverdue = Effect.gen(function* () {
    yield* hasPending.await
    const [oldest] = pending
    if (oldest === undefined) {
      hasPending.closeUnsafe()
      return
    }
    yield* Effect.sleep(Duration.nanos(oldest.queuedAt + timeoutNanos - clock.monotonicTimeNanosUnsafe()))
    // After a blocked event loop the timer fires first: let outcomes that have already arrived settle.
    yield* Effect.yieldNow
    const now = clock.monotonicTimeNanosUnsafe()
    for (const entry of pending) {
      if (now - entry.queuedAt < timeoutNanos) break
      entry.isAbandoned = true
      entry.settle(onTimeout(entry.item))
    }
  })
  yield* Effect.forkScoped(Effect.forever(expireOverdue))

  yield* Queue.takeBetween(queue, 1, maxBatchSize).pipe(
    Effect.flatMap((taken) => {
      const batch = taken.filter(({ isAbandoned }) => !isAbandoned)
      return batch.length === 0 ? Effect.void : handle(batch)
    }),
    Effect.forever,
    Effect.forkScoped,
    Effect.repeat({ times: concurrency - 1 })
  )

  const enqueue = (item: A, onOutcome: (outcome: Exit.Exit<B, E>) => void) => {
    const entry: BatchItem<A, B, E> = {
      item,
      queuedAt: clock.monotonicTimeNanosUnsafe(),
      settle: (outcome) => {
        if (pending.delete(entry)) onOutcome(outcome)
      },
      isAbandoned: false
    }
    pending.add(entry)
    hasPending.openUnsafe()
    Queue.offerUnsafe(queue, entry)
    return entry
  }
  const abandon = (entry: BatchItem<A, B, E>) => {
    entry.isAbandoned = true
    pending.delete(entry)
  }

  return {
    run: (item) =>
      Effect.callback((resume) => {
        const entry = enqueue(item, resume)
        return Effect.sync(() => abandon(entry))
      })
  }
})
