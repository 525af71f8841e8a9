import { Effect } from "effect"
import type { SqlClient, SqlConnection, SqlError } from "effect/sql"

/** Position in the write-ahead log, in bytes. It grows with every write of the primary. */
export type WalPosition = bigint

/**
 * Reads the position that every acknowledged commit lies before. A commit is acknowledged after its log is flushed, unless
 * `synchronous_commit` is off.
 */
export const ofPrimary = (sql: SqlClient.SqlClient): Effect.Effect<WalPosition, SqlError.SqlError> =>
  Effect.map(
    sql<{ position: bigint }>`
      SELECT (CASE current_setting('synchronous_commit') WHEN 'off' THEN pg_current_wal_insert_lsn()
        ELSE pg_current_wal_flush_lsn() END - '0/0'::pg_lsn)::bigint AS position`,
    ([row]) => row?.position ?? 0n
  )

/** State of a server as a replica. */
export interface ReplayState {
  /** Position up to which the server has replayed: its queries see everything before. */
  readonly position: WalPosition
  /** The server replays the log of a primary, and receives it now. */
  readonly isStreaming: boolean
}

// Without the role `pg_read_all_stats`, only the existence of a receiver is visible, and its status is null.
const REPLAY_STATE = `
  SELECT coalesce(pg_last_wal_replay_lsn() - '0/0'::pg_lsn, 0)::bigint,
    pg_is_in_recovery() AND EXISTS (
      SELECT FROM pg_stat_wal_receiver WHERE coalesce(status, 'streaming') = 'streaming')`

/** Reads the state of the server behind a connection. */
export const ofReplica = (
  connection: SqlConnection.Connection
): Effect.Effect<ReplayState, SqlError.SqlError> =>
  Effect.map(connection.executeValues(REPLAY_STATE, []), ([row]) => ({
    position: typeof row?.[0] === "bigint" ? row[0] : 0n,
    isStreaming: row?.[1] === true
  }))
