import { Clock, Duration, Effect, type Exit, Latch, type Scope, Semaphore } from "effect"

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
  /** Queue length from which the free lanes divide the queue; otherwise the first one takes all. Defaults to never. */
  readonly divideFrom?: number
  /** Time that a caller waits for the outcome of its item. */
  readonly timeout: Duration.Duration
  /** Returns the outcome of an item that timed out. It may still be handled. */
  readonly onTimeout: (item: A) => Exit.Exit<B, E>
}

/** Batches concurrent items. */
export interface Batcher<A, B, E> {
  /** Adds one item to the next batch and waits for its outcome. */
  readonly run: (item: A) => Effect.Effect<B, E>
  /** Adds several items and waits until all outcomes are known. Returns them in the order of the items. */
  readonly runAll: (items: ReadonlyArray<A>) => Effect.Effect<ReadonlyArray<Exit.Exit<B, E>>>
}

/**
 * Creates a batcher without a timer: a batch starts at the end of the event-loop turn in which one of the `concurrency`
 * lanes is free, with all items queued by then.
 */
export const make = Effect.fnUntraced(function* <A, B, E>({
  concurrency = 1,
  divideFrom = Infinity,
  handle,
  maxBatchSize,
  onTimeout,
  timeout
}: BatcherOptions<A, B, E>): Effect.fn.Return<Batcher<A, B, E>, never, Scope.Scope> {
  const clock = yield* Clock.Clock
  const scope = yield* Effect.scope
  const lanes = yield* Semaphore.make(concurrency)
  let freeLanes = concurrency
  /** Items that no batch has taken, oldest first. */
  const queue: Array<BatchItem<A, B, E>> = []
  const hasQueued = Latch.makeUnsafe(false)
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

  const startBatch = Effect.gen(function* () {
    yield* hasQueued.await
    yield* lanes.take(1)
    // The first item of an event-loop turn waits for the others, which saves a statement each. Measured with 64 clients that
    // convert: 0.8 of the CPU time of starting at once.
    if (queue.length === 1) yield* Effect.yieldNow
    const share = queue.length < divideFrom ? queue.length : Math.ceil(queue.length / freeLanes)
    const batch = queue.splice(0, Math.min(maxBatchSize, share)).filter(({ isAbandoned }) => !isAbandoned)
    if (queue.length === 0) hasQueued.closeUnsafe()
    const handled = batch.length === 0 ? Effect.void : handle(batch)
    freeLanes--
    const release = Effect.suspend(() => {
      freeLanes++
      return lanes.release(1)
    })
    yield* Effect.forkIn(Effect.ensuring(handled, release), scope, { startImmediately: true })
  })
  yield* Effect.forkScoped(Effect.forever(startBatch))

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
    queue.push(entry)
    hasPending.openUnsafe()
    hasQueued.openUnsafe()
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
      }),
    runAll: (items) =>
      items.length === 0
        ? Effect.succeed([])
        : Effect.callback((resume) => {
            const outcomes: Array<Exit.Exit<B, E>> = []
            let remaining = items.length
            const entries = items.map((item, i) =>
              enqueue(item, (outcome) => {
                outcomes[i] = outcome
                if (--remaining === 0) resume(Effect.succeed(outcomes))
              })
            )
            return Effect.sync(() => entries.forEach(abandon))
          })
  }
})
