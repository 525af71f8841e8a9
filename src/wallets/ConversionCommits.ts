import { Clock, Data, Duration, Effect, Exit } from "effect"
import { AuditLog } from "../audit/AuditLog.ts"
import type { PreparedConversion } from "../conversion/PreparedConversion.ts"
import type { LedgerPosting } from "../domain/ledger/LedgerPosting.ts"
import type { PostOutcome } from "../domain/ledger/PostOutcome.ts"
import type { WalletId } from "../domain/wallets/Wallet.ts"
import { Ledger } from "../ledger/Ledger.ts"
import * as PostingRounds from "../ledger/PostingRounds.ts"
import * as Batcher from "../platform/Batcher.ts"
import * as ConversionMetrics from "../platform/metrics/ConversionMetrics.ts"
import { Database } from "../platform/postgres/Database.ts"
import { DATABASE_TIMEOUT } from "../platform/postgres/DatabaseTimeout.ts"
import { isConflict } from "../platform/postgres/SqlFailures.ts"
import { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"

const MAX_BATCH_SIZE = 64
const COMMIT_TIMEOUT = Duration.sum(DATABASE_TIMEOUT, Duration.seconds(1))
/** Attempts to repeat a single conversion that a concurrent process conflicted with. */
const CONFLICT_RETRIES = 3

/** A priced conversion, and the movement of its money. */
export interface ConversionCommit {
  readonly wallet: WalletId
  readonly prepared: PreparedConversion
  readonly posting: LedgerPosting
}

/** `NotAppended`: the quote or the rate of the audit record was refused, and nothing was stored. */
export type CommitOutcome = PostOutcome | NotAppended

class NotAppended extends Data.TaggedError("NotAppended") {}

type Pending = Batcher.BatchItem<ConversionCommit, CommitOutcome, StoreUnavailable>

/**
 * Creates the function that commits a conversion: its ledger entries and its audit record in one transaction. All
 * conversions of a currency use the same accounts of the house, so concurrent ones share one transaction instead of waiting for
 * each other with a connection each.
 */
export const make = Effect.gen(function* () {
  const audit = yield* AuditLog
  const clock = yield* Clock.Clock
  const context = yield* Effect.context<never>()
  const { sql, tryExecute } = yield* Database
  const ledger = yield* Ledger

  /** Posts first, which locks the accounts. A refusal is stored under its key, and has no record. */
  const post = Effect.fnUntraced(function* (items: ReadonlyArray<ConversionCommit>) {
    const outcomes = yield* ledger.postWithin(items.map(({ posting }) => posting))
    const posted = items.filter((_, i) => {
      const outcome = outcomes[i]
      return outcome?._tag === "Posted" && !outcome.replayed
    })
    if (posted.length > 0) {
      const appended = yield* audit.appendWithin(posted.map(({ prepared }) => prepared))
      if (appended.some(({ _tag }) => _tag !== "Committed")) return yield* new NotAppended()
    }
    return outcomes
  })

  const settle = (pending: Pending, exit: Exit.Exit<CommitOutcome, StoreUnavailable>) => {
    if (pending.isAbandoned) return
    const nanos = clock.monotonicTimeNanosUnsafe() - pending.queuedAt
    ConversionMetrics.commitDuration.updateUnsafe(Number(nanos) / 1e9, context)
    pending.settle(exit)
  }

  const commit = Effect.fnUntraced(function* (batch: ReadonlyArray<Pending>) {
    const items = batch.map(({ item }) => item)
    const result = yield* sql
      .withTransaction(post(items))
      .pipe(Effect.catchTag("NotAppended", Effect.succeed), tryExecute)
    if (result instanceof NotAppended) return yield* result
    batch.forEach((pending, i) => {
      const outcome = result[i]
      if (outcome !== undefined) settle(pending, Exit.succeed(outcome))
    })
  })

  const settleAll = (batch: ReadonlyArray<Pending>, exit: Exit.Exit<CommitOutcome, StoreUnavailable>) =>
    Effect.sync(() => batch.forEach((pending) => settle(pending, exit)))

  /** Commits one by one, so that a conversion that is refused does not fail the others. */
  const commitEach = (batch: ReadonlyArray<Pending>) =>
    Effect.forEach(
      batch,
      (pending) =>
        commit([pending]).pipe(
          Effect.retry({ while: isConflict, times: CONFLICT_RETRIES }),
          Effect.catchTags({
            NotAppended: (outcome) => settleAll([pending], Exit.succeed(outcome)),
            SqlError: (error) => settleAll([pending], Exit.die(error)),
            StoreUnavailable: (error) => settleAll([pending], Exit.fail(error))
          })
        ),
      { discard: true }
    )

  const handle = (batch: ReadonlyArray<Pending>) =>
    commit(batch).pipe(
      Effect.catchTags({
        NotAppended: () => commitEach(batch),
        SqlError: () => commitEach(batch),
        StoreUnavailable: (error) => settleAll(batch, Exit.fail(error))
      }),
      Effect.catchDefect((defect) => settleAll(batch, Exit.die(defect)))
    )

  // The ledger takes one movement of a wallet per transaction. A key belongs to one wallet.
  const batcher = yield* Batcher.make<ConversionCommit, CommitOutcome, StoreUnavailable>({
    handle: (batch) =>
      Effect.forEach(
        PostingRounds.by(batch, ({ item }) => item.wallet),
        handle,
        { discard: true }
      ),
    maxBatchSize: MAX_BATCH_SIZE,
    timeout: COMMIT_TIMEOUT,
    onTimeout: () =>
      Exit.fail(
        new StoreUnavailable({
          cause: `the conversion was not committed within ${Duration.format(COMMIT_TIMEOUT)}`
        })
      )
  })

  return batcher.run
})
