import { Clock, Data, Duration, Effect, Exit, type Metric } from "effect"
import type { SqlError } from "effect/sql"
import * as Batcher from "../platform/Batcher.ts"
import { DatabaseTimeout } from "../platform/postgres/DatabaseTimeout.ts"
import { isConflict } from "../platform/postgres/SqlFailures.ts"
import { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import * as PostingRounds from "./PostingRounds.ts"

/** Time of an item in the queue. Its transaction takes one database timeout at most. */
const MAX_QUEUE_TIME = Duration.seconds(1)
/** Smaller groups cost PostgreSQL more than their overlap saves. */
const MIN_DIVIDED_GROUP = 32
/** Attempts to repeat a single item that a concurrent process conflicted with. */
const CONFLICT_RETRIES = 3

/** One item of a group rolled all of them back: each is committed alone. Never for a single item. */
export class CommitAlone extends Data.TaggedError("CommitAlone") {}

export interface GroupCommitOptions<A, B> {
  /**
   * Commits items in one transaction, and returns their outcomes in order. An item with an undefined outcome is committed again
   * in a later transaction.
   */
  readonly commit: (
    items: ReadonlyArray<A>
  ) => Effect.Effect<ReadonlyArray<B | undefined>, CommitAlone | SqlError.SqlError | StoreUnavailable>
  /** Items that share a name are never in one transaction. */
  readonly namesOf: (item: A) => ReadonlyArray<string>
  readonly maxBatchSize: number
  /** Number of groups committed at the same time. Defaults to 1. */
  readonly concurrency?: number
  /** Seconds from queueing an item to its outcome. */
  readonly duration?: Metric.Histogram<number>
  /** Effect that did not happen in time, such as `the transfer was not posted`. */
  readonly timeoutMessage: string
}

/**
 * Commits the items of concurrent callers in one transaction. A transaction that the database rejects, or that conflicts with
 * another process, is repeated for each item alone, so that an item fails no other. After `StoreUnavailable` the outcome of an
 * item is unknown.
 */
export const make = Effect.fnUntraced(function* <A, B>({
  commit,
  concurrency = 1,
  duration,
  maxBatchSize,
  namesOf,
  timeoutMessage
}: GroupCommitOptions<A, B>) {
  type Pending = Batcher.BatchItem<A, B, StoreUnavailable>
  const clock = yield* Clock.Clock
  const context = yield* Effect.context<never>()
  const timeout = Duration.sum(yield* DatabaseTimeout, MAX_QUEUE_TIME)

  const settle = (pending: Pending, exit: Exit.Exit<B, StoreUnavailable>) => {
    if (pending.isAbandoned) return
    const nanos = clock.monotonicTimeNanosUnsafe() - pending.queuedAt
    duration?.updateUnsafe(Number(nanos) / 1e9, context)
    pending.settle(exit)
  }
  const settleAll = (group: ReadonlyArray<Pending>, exit: Exit.Exit<B, StoreUnavailable>) =>
    Effect.sync(() => group.forEach((pending) => settle(pending, exit)))

  /** Commits the items whose callers still wait, and returns those without an outcome. */
  const commitWaiting = Effect.fnUntraced(function* (pending: ReadonlyArray<Pending>) {
    const group = pending.filter(({ isAbandoned }) => !isAbandoned)
    if (group.length === 0) return []
    const outcomes = yield* commit(group.map(({ item }) => item))
    return group.filter((pending, i) => {
      const outcome = outcomes[i]
      if (outcome !== undefined) settle(pending, Exit.succeed(outcome))
      return outcome === undefined
    })
  })

  const commitEach = (group: ReadonlyArray<Pending>) =>
    Effect.forEach(
      group,
      (pending) =>
        commitWaiting([pending]).pipe(
          Effect.retry({ while: isConflict, times: CONFLICT_RETRIES }),
          Effect.catchTags({
            CommitAlone: Effect.die,
            SqlError: Effect.die,
            StoreUnavailable: (error) => settleAll([pending], Exit.fail(error))
          }),
          Effect.catchDefect((defect) => settleAll([pending], Exit.die(defect)))
        ),
      { discard: true }
    )

  const handle = (group: ReadonlyArray<Pending>): Effect.Effect<void> =>
    commitWaiting(group).pipe(
      Effect.flatMap((deferred) => (deferred.length === 0 ? Effect.void : handle(deferred))),
      Effect.catchTags({
        CommitAlone: () => commitEach(group),
        SqlError: () => commitEach(group),
        StoreUnavailable: (error) => settleAll(group, Exit.fail(error))
      }),
      Effect.catchDefect((defect) => settleAll(group, Exit.die(defect)))
    )

  return yield* Batcher.make<A, B, StoreUnavailable>({
    handle: (batch) =>
      Effect.forEach(
        PostingRounds.split(batch, ({ item }) => namesOf(item)),
        handle,
        { discard: true }
      ),
    maxBatchSize,
    concurrency,
    divideFrom: MIN_DIVIDED_GROUP,
    timeout,
    onTimeout: () =>
      Exit.fail(new StoreUnavailable({ cause: `${timeoutMessage} within ${Duration.format(timeout)}` }))
  })
})
