import { Effect } from "effect"
import { type SqlClient, SqlError } from "effect/sql"
import * as DatabaseMetrics from "../metrics/DatabaseMetrics.ts"
import { timed, trackInFlight } from "../metrics/MetricSeries.ts"
import { withDatabaseTimeout } from "./DatabaseTimeout.ts"
import {
  countFailure,
  failUnavailable,
  isRolledBack,
  isUnavailable,
  recoverLostTransaction
} from "./SqlFailures.ts"
import type { StoreUnavailable } from "./StoreUnavailable.ts"

/** Timeout of each statement in a long transaction. */
const LONG_STATEMENT_TIMEOUT_MILLIS = 120_000

/** Runs SQL statements with timeouts, retries and classified errors. */
export interface SqlExecutor {
  /** Builds statements, to be run by {@link execute}. */
  readonly sql: SqlClient.SqlClient
  /**
   * Runs statements within `DatabaseTimeout`. Statements rolled back by a deadlock or serialization failure are retried.
   * Fails with `StoreUnavailable` when the database cannot be reached or does not answer. A statement that the database
   * rejects is a defect.
   */
  readonly execute: <A, R>(
    statements: Effect.Effect<A, SqlError.SqlError, R>
  ) => Effect.Effect<A, StoreUnavailable, R>
  /** Like {@link execute}, but fails with the `SqlError` of a rejected statement instead of dying. */
  readonly tryExecute: <A, R>(
    statements: Effect.Effect<A, SqlError.SqlError, R>
  ) => Effect.Effect<A, StoreUnavailable | SqlError.SqlError, R>
  /**
   * Runs an effect in one transaction without a total timeout; each statement has a timeout of two minutes. The
   * transaction is rolled back when the effect fails. Database failures are reported as by {@link execute}.
   */
  readonly transaction: <A, E, R>(
    work: Effect.Effect<A, E, R>
  ) => Effect.Effect<A, StoreUnavailable | Exclude<E, SqlError.SqlError>, R>
}

export const make = (sql: SqlClient.SqlClient): SqlExecutor => {
  const tryExecute: SqlExecutor["tryExecute"] = (statements) =>
    withDatabaseTimeout(
      statements.pipe(
        Effect.retry({ while: isRolledBack, times: 3 }),
        Effect.catchIf(isUnavailable, failUnavailable),
        Effect.catchDefect(recoverLostTransaction)
      )
    ).pipe(
      Effect.tapErrorTag("SqlError", () => countFailure("refused")),
      timed(DatabaseMetrics.callDuration),
      trackInFlight(DatabaseMetrics.callsInFlight)
    )

  const execute: SqlExecutor["execute"] = (statements) =>
    Effect.catchTag(tryExecute(statements), "SqlError", Effect.die)

  const transaction = <A, E, R>(work: Effect.Effect<A, E, R>) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.andThen(
        sql`SELECT set_config('statement_timeout', ${LONG_STATEMENT_TIMEOUT_MILLIS.toFixed(0)}, true)`,
        work
      ).pipe(
        sql.withTransaction,
        Effect.catchIf(SqlError.isSqlError, (error) =>
          isUnavailable(error) ? failUnavailable(error) : Effect.die(error)
        ),
        restore,
        // Also after an interruption: a defect would turn the failure that caused it into a defect.
        Effect.catchDefect(recoverLostTransaction)
      )
    ).pipe(trackInFlight(DatabaseMetrics.reservedConnections))

  return { sql, execute, tryExecute, transaction }
}
