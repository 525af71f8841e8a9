import { Data, Effect } from "effect"
import { AuditLog } from "../audit/AuditLog.ts"
import type { PreparedConversion } from "../conversion/PreparedConversion.ts"
import type { LedgerPosting } from "../domain/ledger/LedgerPosting.ts"
import type { PostOutcome } from "../domain/ledger/PostOutcome.ts"
import type { WalletId } from "../domain/wallets/Wallet.ts"
import * as GroupCommit from "../ledger/GroupCommit.ts"
import { Ledger } from "../ledger/Ledger.ts"
import * as ConversionMetrics from "../platform/metrics/ConversionMetrics.ts"
import { Database } from "../platform/postgres/Database.ts"

const MAX_BATCH_SIZE = 64

/** A priced conversion, and the movement of its money. */
export interface ConversionCommit {
  readonly wallet: WalletId
  readonly prepared: PreparedConversion
  readonly posting: LedgerPosting
}

/** `NotAppended`: the quote or the rate of the audit record was refused, and nothing was stored. */
export type CommitOutcome = PostOutcome | NotAppended

class NotAppended extends Data.TaggedError("NotAppended") {}

/**
 * Creates the function that commits a conversion: its ledger entries and its audit record in one transaction. All
 * conversions of a currency use the same accounts of the house, so concurrent ones share one transaction instead of waiting for
 * each other with a connection each.
 */
export const make = Effect.gen(function* () {
  const audit = yield* AuditLog
  const { sql, tryExecute } = yield* Database
  const ledger = yield* Ledger

  /** Posts first, which locks the accounts. A refusal is stored under its key, and has no record; nor has a hold. */
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

  const commit = Effect.fnUntraced(function* (items: ReadonlyArray<ConversionCommit>) {
    const result = yield* sql
      .withTransaction(post(items))
      .pipe(Effect.catchTag("NotAppended", Effect.succeed), tryExecute)
    if (!(result instanceof NotAppended)) return result
    return items.length === 1 ? [result] : yield* new GroupCommit.CommitAlone()
  })

  const group = yield* GroupCommit.make<ConversionCommit, CommitOutcome>({
    commit,
    // The ledger takes one movement of a wallet per transaction. A key belongs to one wallet.
    namesOf: ({ wallet }) => [wallet],
    maxBatchSize: MAX_BATCH_SIZE,
    duration: ConversionMetrics.commitDuration,
    timeoutMessage: "the conversion was not committed"
  })

  return group.run
})
