import { DateTime, Effect } from "effect"
import type { SqlClient } from "effect/sql"
import * as Months from "./MonthlyPartitions.ts"

/** A month of rates. */
export interface ArchiveMonth {
  readonly partition: string
  readonly start: DateTime.Utc
  readonly state: "attached" | "detached" | "dropped"
  /** Undefined for a month that was not analyzed yet. */
  readonly rows: number | undefined
  /** Size of table and indexes. 0 after it was dropped. */
  readonly bytes: bigint
}

/** Lists the archived months and those in the database, oldest first. */
export const list = Effect.fnUntraced(function* (sql: SqlClient.SqlClient) {
  const attached = yield* Months.attached(sql)
  const archived = yield* sql<{
    partition: string
    startAt: Date
    isDropped: boolean
    rows: number
    bytes: bigint | null
  }>`
    SELECT partition, start_at, dropped_at IS NOT NULL AS is_dropped, (manifest->'content'->>'rows')::int AS rows,
      pg_total_relation_size(to_regclass(quote_ident(partition))) AS bytes
    FROM archived_partition WHERE parent = ${Months.TABLE} ORDER BY start_at`
  return [
    ...archived.map(({ bytes, isDropped, partition, rows, startAt }): ArchiveMonth => ({
      partition,
      start: DateTime.fromDateUnsafe(startAt),
      state: isDropped ? "dropped" : "detached",
      rows,
      bytes: bytes ?? 0n
    })),
    ...attached.map(({ bytes, estimatedRows, name, start }): ArchiveMonth => ({
      partition: name,
      start,
      state: "attached",
      rows: estimatedRows < 0 ? undefined : estimatedRows,
      bytes
    }))
  ]
})
