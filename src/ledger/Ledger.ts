import { Clock, Context, Duration, Effect, Exit, Layer, Metric } from "effect"
import type { Scope } from "effect"
import type { SqlError } from "effect/sql"
import type { LedgerPosting } from "../domain/ledger/LedgerPosting.ts"
import type { PostOutcome } from "../domain/ledger/PostOutcome.ts"
import * as Batcher from "../platform/Batcher.ts"
import * as LedgerMetrics from "../platform/metrics/LedgerMetrics.ts"
import { DATABASE_TIMEOUT } from "../platform/postgres/DatabaseTimeout.ts"
import { isConflict } from "../platform/postgres/SqlFailures.ts"
import { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import { LedgerAccounts } from "./LedgerAccounts.ts"
import { LedgerHistory } from "./LedgerHistory.ts"
import { LedgerRepo } from "./LedgerRepo.ts"
import { PostingGate } from "./PostingGate.ts"
import * as PostingRounds from "./PostingRounds.ts"

const MAX_BATCH_SIZE = 256
const POST_TIMEOUT = Duration.sum(DATABASE_TIMEOUT, Duration.seconds(1))
/** Attempts to repeat a single posting that a concurrent process conflicted with. */
const CONFLICT_RETRIES = 3

/** Receives committed postings. Must not throw. */
export type PostingListener = (postings: ReadonlyArray<LedgerPosting>) => void

type PendingPosting = Batcher.BatchItem<LedgerPosting, PostOutcome, StoreUnavailable>

/** The double-entry ledger: accounts, transfers, entries and holds. It knows no users. */
export class Ledger extends Context.Service<
  Ledger,
  LedgerAccounts["Service"] &
    LedgerHistory["Service"] & {
      /**
       * Posts transfers and returns their outcomes in order. Postings of concurrent callers share one commit; each is
       * posted as a whole or not at all, and fails no other. After `StoreUnavailable` the outcomes are unknown: retry with
       * the same idempotency keys. A posting whose entries do not balance, or that has too many decimals, is a defect.
       */
      readonly post: (
        postings: ReadonlyArray<LedgerPosting>
      ) => Effect.Effect<ReadonlyArray<PostOutcome>, StoreUnavailable>
      /**
       * Posts transfers inside the open transaction of the caller, who rolls it back if an outcome is not what it needs.
       * Call it once per transaction, with everything that it moves: accounts are locked in the order of their ids, and a
       * second call could deadlock. A conflict (see `isConflict` of `SqlFailures`) fails the transaction, which the caller
       * repeats. At most one posting of each key.
       */
      readonly postWithin: (
        postings: ReadonlyArray<LedgerPosting>
      ) => Effect.Effect<ReadonlyArray<PostOutcome>, SqlError.SqlError>
      /** Calls a listener with the postings of this process, after their commit. Some may have been refused. */
      readonly listen: (listener: PostingListener) => Effect.Effect<void, never, Scope.Scope>
    }
>()("effex/ledger/Ledger") {
  static readonly layerNoDeps = Layer.effect(
    Ledger,
    Effect.gen(function* () {
      const { afterCommit, call, tryCall } = yield* LedgerRepo
      const accounts = yield* LedgerAccounts
      const history = yield* LedgerHistory
      const clock = yield* Clock.Clock
      const context = yield* Effect.context<never>()
      const listeners = new Set<PostingListener>()
      const announce = (postings: ReadonlyArray<LedgerPosting>) => {
        for (const listener of listeners) listener(postings)
      }

      const count = (outcome: PostOutcome) => {
        if (!outcome.replayed) LedgerMetrics.postings.of({ outcome: outcome._tag }).updateUnsafe(1, context)
      }

      const settle = (pending: PendingPosting, exit: Exit.Exit<PostOutcome, StoreUnavailable>) => {
        if (pending.isAbandoned) return
        const nanos = clock.monotonicTimeNanosUnsafe() - pending.queuedAt
        LedgerMetrics.postDuration.updateUnsafe(Number(nanos) / 1e9, context)
        if (Exit.isSuccess(exit)) count(exit.value)
        pending.settle(exit)
      }
      const settleAll = (
        batch: ReadonlyArray<PendingPosting>,
        exit: Exit.Exit<PostOutcome, StoreUnavailable>
      ) => Effect.sync(() => batch.forEach((pending) => settle(pending, exit)))

      /** Posts a batch, and returns what the gate deferred. */
      const commit = Effect.fnUntraced(function* (batch: ReadonlyArray<PendingPosting>) {
        yield* Metric.update(LedgerMetrics.batchSize, batch.length)
        const postings = batch.map(({ item }) => item)
        const outcomes = yield* tryCall(postings)
        announce(postings)
        return batch.filter((pending, i) => {
          const outcome = outcomes[i]
          if (outcome !== undefined) settle(pending, Exit.succeed(outcome))
          return outcome === undefined
        })
      })

      /** Posts one by one, so that a posting that the database rejects does not fail the others. */
      const commitEach = (batch: ReadonlyArray<PendingPosting>) =>
        Effect.forEach(
          batch,
          (pending) =>
            commit([pending]).pipe(
              Effect.retry({ while: isConflict, times: CONFLICT_RETRIES }),
              Effect.catchTags({
                SqlError: (error) => settleAll([pending], Exit.die(error)),
                StoreUnavailable: (error) => settleAll([pending], Exit.fail(error))
              })
            ),
          { discard: true }
        )

      const handle = (batch: ReadonlyArray<PendingPosting>): Effect.Effect<void> =>
        commit(batch).pipe(
          Effect.flatMap((deferred) => (deferred.length === 0 ? Effect.void : handle(deferred))),
          Effect.catchTags({
            SqlError: () => commitEach(batch),
            StoreUnavailable: (error) => settleAll(batch, Exit.fail(error))
          }),
          Effect.catchDefect((defect) => settleAll(batch, Exit.die(defect)))
        )

      // One lane: a second batch of the same process would only wait for the accounts of the first.
      const batcher = yield* Batcher.make<LedgerPosting, PostOutcome, StoreUnavailable>({
        handle: (batch) =>
          Effect.forEach(
            PostingRounds.of(batch, ({ item }) => item),
            handle,
            { discard: true }
          ),
        maxBatchSize: MAX_BATCH_SIZE,
        timeout: POST_TIMEOUT,
        onTimeout: () =>
          Exit.fail(
            new StoreUnavailable({
              cause: `the transfer was not posted within ${Duration.format(POST_TIMEOUT)}`
            })
          )
      })

      const post = Effect.fn("Ledger.post")(function* (postings: ReadonlyArray<LedgerPosting>) {
        const exits = yield* batcher.runAll(postings)
        return yield* Effect.forEach(exits, (exit) => exit)
      })

      const postWithin: Ledger["Service"]["postWithin"] = Effect.fnUntraced(function* (postings) {
        const outcomes = new Map<LedgerPosting, PostOutcome>()
        let remaining = postings
        while (remaining.length > 0) {
          const posted = yield* call(remaining)
          remaining = remaining.filter((posting, i) => {
            const outcome = posted[i]
            if (outcome !== undefined) outcomes.set(posting, outcome)
            return outcome === undefined
          })
        }
        const found = postings.flatMap((posting) => outcomes.get(posting) ?? [])
        yield* afterCommit(
          Effect.sync(() => {
            found.forEach(count)
            announce(postings)
          })
        )
        return found
      })

      const listen: Ledger["Service"]["listen"] = (listener) =>
        Effect.asVoid(
          Effect.acquireRelease(
            Effect.sync(() => listeners.add(listener)),
            () => Effect.sync(() => listeners.delete(listener))
          )
        )

      return Ledger.of({ ...accounts, ...history, post, postWithin, listen })
    })
  )

  /** Asks the posting gate before it posts a movement. */
  static readonly layerGated = Ledger.layerNoDeps.pipe(
    Layer.provide([LedgerRepo.layer, LedgerAccounts.layer, LedgerHistory.layer])
  )

  /** Posts every movement. */
  static readonly layer = Ledger.layerGated.pipe(Layer.provide(PostingGate.layerOpen))
}
