import { Effect } from "effect"
import type { SqlError } from "effect/sql"
import type { Database } from "../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import { isConflict } from "../platform/postgres/SqlFailures.ts"

/** Attempts to repeat a transaction that a concurrent one conflicted with. */
const CONFLICT_RETRIES = 3

/**
 * Runs work that posts with `Ledger.postWithin` in one short transaction, and repeats it after a conflict. After
 * `StoreUnavailable` the outcome is unknown.
 */
export const run = <A, R>(
  { sql, tryExecute }: Pick<Database["Service"], "sql" | "tryExecute">,
  work: Effect.Effect<A, SqlError.SqlError, R>
): Effect.Effect<A, StoreUnavailable, R> =>
  tryExecute(sql.withTransaction(work)).pipe(
    Effect.retry({ while: isConflict, times: CONFLICT_RETRIES }),
    Effect.catchTag("SqlError", Effect.die)
  )
