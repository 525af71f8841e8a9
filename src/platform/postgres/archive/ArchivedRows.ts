import { Effect, Stream } from "effect"
import type { SqlClient } from "effect/sql"
import { archiveError } from "./ArchiveFiles.ts"
import * as ArchiveFiles from "./ArchiveFiles.ts"
import * as ArchiveManifest from "./ArchiveManifest.ts"
import * as Months from "./MonthlyPartitions.ts"

/** Number of rows that one statement inserts. */
const INSERT_SIZE = 1000

type Manifest = ArchiveManifest.ArchiveManifest

/** Fails unless the archive has every value of the table of its month. Columns that are `omitted` are not compared. */
export const requireSame = Effect.fnUntraced(function* (
  sql: SqlClient.SqlClient,
  manifest: Manifest,
  omitted: ReadonlyArray<string> = []
) {
  const found = yield* Months.summarize(sql, manifest.partition, omitted)
  const differing = ArchiveManifest.differences(manifest.content, found)
  if (differing.length > 0)
    return yield* archiveError(
      `${manifest.partition} differs from its archive: ${differing.join(", ")}. Export it again`
    )
})

/** Creates the table of a month with the rows of the archive. Columns that it does not have get their default. */
export const createTable = Effect.fnUntraced(function* (
  sql: SqlClient.SqlClient,
  manifest: Manifest,
  file: string
) {
  const parent = Months.identifier(sql, Months.TABLE)
  const table = Months.identifier(sql, manifest.partition)
  const columns = sql.csv(manifest.columns.map((column) => Months.identifier(sql, column)))
  yield* sql`CREATE TABLE ${table} (LIKE ${parent} INCLUDING ALL)`
  yield* ArchiveFiles.read(file).pipe(
    Stream.grouped(INSERT_SIZE),
    Stream.runForEach(
      (lines) => sql`
        INSERT INTO ${table} (${columns})
        SELECT ${columns} FROM jsonb_populate_recordset(NULL::${parent}, ${`[${lines.join(",")}]`}::text::jsonb)`
    )
  )
})

/** Returns the columns that were added since the archive was made. Fails if the archive has others. */
export const columnsAddedSince = Effect.fnUntraced(function* (
  sql: SqlClient.SqlClient,
  { columns, file }: Manifest
) {
  const present = yield* Months.columns(sql, Months.TABLE)
  const unknown = columns.filter((column) => !present.includes(column))
  if (unknown.length > 0)
    return yield* archiveError(
      `${file} has columns that ${Months.TABLE} does not have: ${unknown.join(", ")}. Use the newer version of effex`
    )
  return present.filter((column) => !columns.includes(column))
})
