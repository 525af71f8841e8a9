import { Context, Effect, Layer, Schema } from "effect"
import { IdempotencyMismatch } from "../domain/conversion/ConversionErrors.ts"
import { type PostingKey, TransferId } from "../domain/ledger/LedgerPosting.ts"
import { Database } from "../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"

const Row = Schema.Struct({
  requestHash: Schema.String,
  outcome: Schema.String,
  subject: Schema.NullOr(TransferId)
})
const decode = Schema.decodeUnknownEffect(Schema.Array(Row))

/** Outcomes that the ledger stored under the keys of earlier requests. */
export class StoredRequests extends Context.Service<
  StoredRequests,
  {
    /**
     * Returns the transfer that a used key posted, `refused` if its first request was refused, and undefined for a new
     * key. Call it before checks whose result changes with time: a retry gets the first outcome.
     */
    readonly find: (
      key: PostingKey | undefined
    ) => Effect.Effect<TransferId | "refused" | undefined, IdempotencyMismatch | StoreUnavailable>
  }
>()("effex/wallets/StoredRequests") {
  static readonly layer = Layer.effect(
    StoredRequests,
    Effect.gen(function* () {
      const { execute, sql } = yield* Database
      const find = Effect.fn("StoredRequests.find")(function* (key: PostingKey | undefined) {
        if (key === undefined) return undefined
        const rows = yield* execute(sql`
          SELECT request_hash, outcome, subject FROM ledger_outcome
          WHERE principal = ${key.principal} AND key = ${key.key}`)
        const [stored] = yield* Effect.orDie(decode(rows))
        if (stored === undefined) return undefined
        if (stored.requestHash !== key.requestHash) return yield* new IdempotencyMismatch()
        return stored.outcome === "posted" && stored.subject !== null ? stored.subject : "refused"
      })
      return StoredRequests.of({ find })
    })
  )
}
