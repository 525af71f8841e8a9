import { Context, Effect, Layer } from "effect"
import type { SqlError } from "effect/sql"
import type { LedgerPosting } from "../domain/ledger/LedgerPosting.ts"
import type { PostOutcome } from "../domain/ledger/PostOutcome.ts"
import { Database } from "../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import * as PostBatch from "./PostBatch.ts"

/** Calls `post_batch`. */
export class LedgerRepo extends Context.Service<
  LedgerRepo,
  {
    /** Posts in the open transaction of the caller. The same key must not occur twice in one call. */
    readonly call: (
      postings: ReadonlyArray<LedgerPosting>
    ) => Effect.Effect<ReadonlyArray<PostOutcome>, SqlError.SqlError>
    /** Posts in one transaction of its own. */
    readonly tryCall: (
      postings: ReadonlyArray<LedgerPosting>
    ) => Effect.Effect<ReadonlyArray<PostOutcome>, SqlError.SqlError | StoreUnavailable>
  }
>()("effex/ledger/LedgerRepo") {
  static readonly layer = Layer.effect(
    LedgerRepo,
    Effect.gen(function* () {
      const { sql, tryExecute } = yield* Database
      const call = (postings: ReadonlyArray<LedgerPosting>) =>
        postings.length === 0
          ? Effect.succeed([])
          : Effect.flatMap(PostBatch.statement(sql, postings), PostBatch.outcomes)
      return LedgerRepo.of({ call, tryCall: (postings) => tryExecute(call(postings)) })
    })
  )
}
