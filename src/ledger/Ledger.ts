import { Context, Effect, Layer, Metric } from "effect"
import type { Scope } from "effect"
import type { SqlError, Statement } from "effect/sql"
import type { LedgerPosting } from "../domain/ledger/LedgerPosting.ts"
import type { PostOutcome } from "../domain/ledger/PostOutcome.ts"
import * as LedgerMetrics from "../platform/metrics/LedgerMetrics.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import * as GroupCommit from "./GroupCommit.ts"
import { LedgerAccounts } from "./LedgerAccounts.ts"
import { LedgerHistory } from "./LedgerHistory.ts"
import { LedgerRepo } from "./LedgerRepo.ts"
import type { Refusal } from "./PostBatch.ts"
import { PostingGate } from "./PostingGate.ts"
import * as PostingRounds from "./PostingRounds.ts"

const MAX_BATCH_SIZE = 256
/**
 * Groups that are posted at the same time: PostgreSQL posts one while this process prepares the next. Both are single statements
 * on one connection, so the second does not wait for the locks of the first.
 */
const LANES = 2

/** Receives committed postings. Must not throw. */
export type PostingListener = (postings: ReadonlyArray<LedgerPosting>) => void

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
      /**
       * Posts transfers and runs a dependent statement, as one statement, which is one transaction and one round trip. The dependent
       * statement modifies data, and reads the outcomes from `posted`: `n` of the posting from 1, `outcome`, `replayed`. Undefined,
       * with nothing stored, if the posting gate must decide on one of them: then use {@link postWithin}. At most one posting of
       * each key.
       */
      readonly postWith: (
        postings: ReadonlyArray<LedgerPosting>,
        dependent: Statement.Fragment
      ) => Effect.Effect<ReadonlyArray<PostOutcome> | undefined, SqlError.SqlError | StoreUnavailable>
      /**
       * Makes the refusal of postings final for their keys, as if they had been posted. For a frozen account that a posting does not
       * name, such as one that receives money later. An earlier outcome of a key remains.
       */
      readonly refuse: (
        refusals: ReadonlyArray<Refusal>
      ) => Effect.Effect<void, SqlError.SqlError | StoreUnavailable>
      /** Calls a listener with the postings of this process, after their commit. Some may have been refused. */
      readonly listen: (listener: PostingListener) => Effect.Effect<void, never, Scope.Scope>
    }
>()("effex/ledger/Ledger") {
  static readonly layerNoDeps = Layer.effect(
    Ledger,
    Effect.gen(function* () {
      const { afterCommit, call, storeRefusals, tryCall, tryCallWith } = yield* LedgerRepo
      const accounts = yield* LedgerAccounts
      const history = yield* LedgerHistory
      const context = yield* Effect.context<never>()
      const listeners = new Set<PostingListener>()
      const announce = (postings: ReadonlyArray<LedgerPosting>) => {
        for (const listener of listeners) listener(postings)
      }

      const count = (outcome: PostOutcome) => {
        if (!outcome.replayed) LedgerMetrics.postings.of({ outcome: outcome._tag }).updateUnsafe(1, context)
      }

      const commit = Effect.fnUntraced(function* (postings: ReadonlyArray<LedgerPosting>) {
        yield* Metric.update(LedgerMetrics.batchSize, postings.length)
        const outcomes = yield* tryCall(postings)
        for (const outcome of outcomes) if (outcome !== undefined) count(outcome)
        announce(postings)
        // The gate deferred those without an outcome.
        return outcomes
      })

      const group = yield* GroupCommit.make<LedgerPosting, PostOutcome>({
        commit,
        namesOf: PostingRounds.keyNames,
        maxBatchSize: MAX_BATCH_SIZE,
        concurrency: LANES,
        duration: LedgerMetrics.postDuration,
        timeoutMessage: "the transfer was not posted"
      })

      const post = Effect.fn("Ledger.post")(function* (postings: ReadonlyArray<LedgerPosting>) {
        const exits = yield* group.runAll(postings)
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

      const postWith: Ledger["Service"]["postWith"] = Effect.fnUntraced(function* (postings, dependent) {
        const outcomes = yield* tryCallWith(postings, dependent)
        if (outcomes === undefined) return undefined
        outcomes.forEach(count)
        announce(postings)
        return outcomes
      })

      const listen: Ledger["Service"]["listen"] = (listener) =>
        Effect.asVoid(
          Effect.acquireRelease(
            Effect.sync(() => listeners.add(listener)),
            () => Effect.sync(() => listeners.delete(listener))
          )
        )

      return Ledger.of({
        ...accounts,
        ...history,
        post,
        postWithin,
        postWith,
        refuse: storeRefusals,
        listen
      })
    })
  )

  /** Asks the posting gate before it posts a movement. */
  static readonly layerGated = Ledger.layerNoDeps.pipe(
    Layer.provide([LedgerRepo.layer, LedgerAccounts.layer, LedgerHistory.layer])
  )

  /** Posts every movement. */
  static readonly layer = Ledger.layerGated.pipe(Layer.provide(PostingGate.layerOpen))
}
