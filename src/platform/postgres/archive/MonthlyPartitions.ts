import { DateTime, Effect, Option, Schema, Stream } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import { createHash } from "node:crypto"
import * as PgArray from "../PgArray.ts"
import type { PartitionSummary } from "./ArchiveManifest.ts"

const PAGE_SIZE = 5000

/** The table whose months can be archived. */
export const TABLE = "exchange_rate"

const Partition = Schema.Struct({
  name: Schema.String.check(Schema.isPattern(/^exchange_rate_\d{4}_\d{2}$/)),
  start: Schema.DateTimeUtcFromDate,
  until: Schema.DateTimeUtcFromDate,
  lower: Schema.String,
  upper: Schema.String,
  /** As of the last ANALYZE; -1 if there was none. */
  estimatedRows: Schema.Int,
  bytes: Schema.BigInt
})

/** A monthly partition. */
export type Partition = typeof Partition.Type

const decodePartitions = Schema.decodeUnknownEffect(Schema.Array(Partition))

/** Lists the attached monthly partitions, oldest first. */
export const attached = (sql: SqlClient.SqlClient) =>
  Effect.flatMap(
    sql`
      WITH bound AS (
        SELECT oid, relname, reltuples, (regexp_match(pg_get_expr(relpartbound, oid),
          'FROM \\(''([0-9a-f-]+)''\\) TO \\(''([0-9a-f-]+)''\\)'))::uuid[] AS ids
        FROM pg_class JOIN pg_inherits ON inhrelid = oid
        WHERE inhparent = ${TABLE}::text::regclass AND relname <> ${`${TABLE}_default`}
      ), month AS (
        SELECT *, make_date(substring(relname FROM '(\\d{4})_\\d{2}$')::int,
          substring(relname FROM '\\d{4}_(\\d{2})$')::int, 1)::timestamp AS first FROM bound
      )
      SELECT relname::text AS name, first AT TIME ZONE 'UTC' AS start,
        (first + interval '1 month') AT TIME ZONE 'UTC' AS until,
        ids[1]::text AS lower, ids[2]::text AS upper, reltuples::int AS estimated_rows,
        pg_total_relation_size(oid) AS bytes
      FROM month ORDER BY first`,
    (rows) => Effect.orDie(decodePartitions(rows))
  )

/** A quoted identifier. The name is one that {@link attached} or a manifest validated. */
export const identifier = (sql: SqlClient.SqlClient, name: string) =>
  sql.literal(`"${name.replaceAll('"', '""')}"`)

/** Reads the columns of a table, and which of them are summed. */
const readColumns = (sql: SqlClient.SqlClient, table: string) =>
  sql<{ name: string; isSummed: boolean }>`
    SELECT attname::text AS name, atttypid IN ('numeric'::regtype, 'bigint'::regtype) AS is_summed FROM pg_attribute
    WHERE attrelid = ${table}::text::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`

/** Names of the columns of a table. */
export const columns = (sql: SqlClient.SqlClient, table: string) =>
  Effect.map(readColumns(sql, table), (rows) => rows.map(({ name }) => name))

/**
 * Reads the rows of a partition as lines of JSON, in the order of their ids, without the values of `omitted` columns. The same
 * row is always the same line.
 */
export const lines = (
  sql: SqlClient.SqlClient,
  partition: string,
  omitted: ReadonlyArray<string> = []
): Stream.Stream<string, SqlError.SqlError> =>
  Stream.paginate<string | undefined, string, SqlError.SqlError>(undefined, (after) =>
    Effect.map(
      sql<{ id: string; line: string }>`
        SELECT id::text AS id, (to_jsonb(stored) - ${PgArray.ofTexts(omitted)}::text[])::text AS line
        FROM ${identifier(sql, partition)} AS stored
        WHERE ${after === undefined ? sql`true` : sql`id > ${after}::uuid`} ORDER BY id LIMIT ${PAGE_SIZE}`,
      (rows) => [
        rows.map(({ line }) => line),
        rows.length < PAGE_SIZE ? Option.none() : Option.fromUndefinedOr(rows.at(-1)?.id)
      ]
    )
  )

/**
 * Summarizes a partition, without the values of `omitted` columns. Times in the lines depend on the time zone, so it belongs into
 * a transaction in UTC.
 */
export const summarize = Effect.fnUntraced(function* (
  sql: SqlClient.SqlClient,
  partition: string,
  omitted: ReadonlyArray<string> = []
) {
  const hash = createHash("sha256")
  let rows = 0
  yield* Stream.runForEach(lines(sql, partition, omitted), (line) =>
    Effect.sync(() => {
      hash.update(line).update("\n")
      rows++
    })
  )
  const summed = (yield* readColumns(sql, partition)).filter(
    ({ isSummed, name }) => isSummed && !omitted.includes(name)
  )
  const table = identifier(sql, partition)
  const sums = yield* Effect.forEach(summed, ({ name }) =>
    Effect.map(
      sql<{ sum: string | null }>`SELECT sum(${identifier(sql, name)})::text AS sum FROM ${table}`,
      ([row]) => [name, row?.sum ?? null] as const
    )
  )
  const [ends] = yield* sql<{ firstId: string | null; lastId: string | null }>`
    SELECT (SELECT id FROM ${table} ORDER BY id LIMIT 1)::text AS first_id,
      (SELECT id FROM ${table} ORDER BY id DESC LIMIT 1)::text AS last_id`
  const summary: PartitionSummary = {
    rows,
    digest: hash.digest("hex"),
    sums: Object.fromEntries(sums),
    firstId: ends?.firstId ?? null,
    lastId: ends?.lastId ?? null
  }
  return summary
})

/** Columns that refer to rates. A month stays while one of them refers into it: its rates are evidence. */
export const REFERENCES: ReadonlyArray<readonly [table: string, column: string]> = [
  ["conversion_audit", "rate_id"],
  ["quote", "rate_id"],
  ["customer_order", "rate_id"],
  ["latest_rate", "rate_id"],
  ["poll_rate", "rate_id"],
  ["quarantined_rate", "rate_id"],
  ["quarantined_rate", "last_good_id"],
  ["withdrawn_rate", "rate_id"]
]

/** Returns the tables that refer into a range of ids. */
export const referringTables = Effect.fnUntraced(function* (
  sql: SqlClient.SqlClient,
  { lower, until, upper }: Pick<Partition, "lower" | "until" | "upper">
) {
  const found = new Set<string>()
  for (const [table, column] of REFERENCES) {
    const id = identifier(sql, column)
    const [row] = yield* sql<{ exists: boolean }>`
      SELECT EXISTS (SELECT FROM ${identifier(sql, table)}
        WHERE ${id} >= ${lower}::uuid AND ${id} < ${upper}::uuid) AS exists`
    if (row?.exists === true) found.add(table)
  }
  // Rates of the next month that were derived from rates of this one.
  const [derived] = yield* sql<{ exists: boolean }>`
    SELECT EXISTS (SELECT FROM exchange_rate CROSS JOIN unnest(derived_from) AS leg
      WHERE id >= ${upper}::uuid AND id < uuidv7_floor(${DateTime.toDateUtc(until)}::timestamptz + interval '2 days')
        AND leg >= ${lower}::uuid AND leg < ${upper}::uuid) AS exists`
  if (derived?.exists === true) found.add(TABLE)
  return Array.from(found)
})
