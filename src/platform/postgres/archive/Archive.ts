import { Context, DateTime, Effect, type FileSystem, Layer, Option, Path, Predicate } from "effect"
import { SqlClient, SqlError } from "effect/sql"
import { Database } from "../Database.ts"
import * as DatabaseIdentity from "../DatabaseIdentity.ts"
import { MIGRATIONS_TABLE } from "../Migrations.ts"
import { isUnavailable } from "../SqlFailures.ts"
import type { StoreUnavailable } from "../StoreUnavailable.ts"
import * as ArchivedRows from "./ArchivedRows.ts"
import { type ArchiveError, archiveError } from "./ArchiveFiles.ts"
import * as ArchiveFiles from "./ArchiveFiles.ts"
import * as ArchiveManifest from "./ArchiveManifest.ts"
import * as ArchiveMonths from "./ArchiveMonths.ts"
import * as Months from "./MonthlyPartitions.ts"

/** Changing a partition waits this long for readers; those that come meanwhile wait behind it. */
const LOCK_TIMEOUT = "3s"

type Manifest = ArchiveManifest.ArchiveManifest

type ArchiveEffect<A> = Effect.Effect<A, ArchiveError | StoreUnavailable, FileSystem.FileSystem | Path.Path>

/** Exports old months of rates, detaches them once the export is proven, and restores them. */
export class Archive extends Context.Service<
  Archive,
  {
    /** Lists all months, oldest first. */
    readonly list: Effect.Effect<ReadonlyArray<ArchiveMonths.ArchiveMonth>, StoreUnavailable>
    /** Writes a past month and its manifest into a folder. The month stays in the database. */
    readonly export: (partition: string, folder: string) => ArchiveEffect<Manifest>
    /**
     * Detaches the oldest month. Refuses unless the archive has exactly its rows and nothing refers to them. The rows stay in a
     * table of their own until {@link drop}.
     */
    readonly detach: (partition: string, folder: string, principal: string) => ArchiveEffect<Manifest>
    /** Drops the table of a detached month. Refuses unless the archive has exactly its rows. */
    readonly drop: (partition: string, folder: string) => ArchiveEffect<Manifest>
    /** Attaches the newest archived month again, from its table or from the archive. */
    readonly restore: (partition: string, folder: string) => ArchiveEffect<Manifest>
  }
>()("effex/platform/postgres/archive/Archive") {
  static readonly layer = Layer.effect(
    Archive,
    Effect.gen(function* () {
      const database = yield* Database
      const { execute, sql } = database

      /** A transaction that renders times in UTC. A rejected statement is the reason of a refusal. */
      const transaction = <A, E, R>(work: Effect.Effect<A, E, R>) =>
        database.transaction(
          sql`SELECT set_config('TimeZone', 'UTC', true), set_config('lock_timeout', ${LOCK_TIMEOUT}, true)`.pipe(
            Effect.andThen(work),
            Effect.catchIf(isRejected, (error) => archiveError(reasonOf(error)))
          )
        )

      const tableOf = (name: string) => Months.identifier(sql, name)
      const parent = tableOf(Months.TABLE)

      const find = Effect.fnUntraced(function* (name: string) {
        const months = yield* Months.attached(sql)
        const index = months.findIndex((month) => month.name === name)
        const month = months[index]
        if (month === undefined)
          return yield* archiveError(
            `${name} is not an attached month of ${Months.TABLE}; \`effex archive list\` prints them`
          )
        return { month, isOldest: index === 0 }
      })

      const archivedOf = Effect.fnUntraced(function* (name: string) {
        const [row] = yield* sql<{ digest: string; isNewest: boolean; isDropped: boolean }>`
          SELECT digest, dropped_at IS NOT NULL AS is_dropped,
            until = (SELECT max(until) FROM archived_partition WHERE parent = ${Months.TABLE}) AS is_newest
          FROM archived_partition WHERE partition = ${name} FOR UPDATE`
        return row ?? (yield* archiveError(`${name} is not archived`))
      })

      const list = execute(ArchiveMonths.list(sql)).pipe(Effect.withSpan("Archive.list"))

      const exportMonth = Effect.fn("Archive.export")(function* (partition: string, folder: string) {
        const path = yield* Path.Path
        const now = yield* DateTime.now
        // Outside of the transaction, which a server that does not permit reading it would abort.
        const identity = yield* DatabaseIdentity.read(database)
        yield* ArchiveFiles.createFolder(folder)
        // It may be the only copy of a month that was dropped there.
        const earlier = yield* ArchiveFiles.readManifest(folder, partition).pipe(Effect.option)
        if (Option.isSome(earlier) && earlier.value.database !== identity)
          return yield* archiveError(
            `${folder} has the archive of ${partition} of another database; export to another folder`
          )
        const manifest = yield* transaction(
          Effect.gen(function* () {
            const { month } = yield* find(partition)
            if (DateTime.isGreaterThan(month.until, now))
              return yield* archiveError(`${partition} is not over yet`)
            const file = ArchiveManifest.fileNameOf(partition)
            const content = yield* Months.summarize(sql, partition)
            const fileDigest = yield* ArchiveFiles.write(
              path.join(folder, file),
              Months.lines(sql, partition)
            ).pipe(
              Effect.catchTag(["PlatformError", "UnknownError"], ({ message }) =>
                archiveError(`${file} cannot be written: ${message}`)
              )
            )
            const [latest] = yield* sql<{ id: number }>`
              SELECT max(migration_id) AS id FROM ${sql(MIGRATIONS_TABLE)}`
            const manifest: Manifest = {
              format: "effex-archive-1",
              database: identity,
              table: Months.TABLE,
              partition,
              start: DateTime.formatIso(month.start),
              until: DateTime.formatIso(month.until),
              lower: month.lower,
              upper: month.upper,
              columns: yield* Months.columns(sql, partition),
              migration: latest?.id ?? 0,
              exportedAt: DateTime.formatIso(now),
              content,
              file,
              fileDigest
            }
            return manifest
          })
          // One snapshot for the file, the digest and the sums.
        ).pipe(
          Effect.provideService(SqlClient.BeginTransaction, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        )
        yield* ArchiveFiles.writeManifest(folder, manifest).pipe(
          Effect.mapError(({ message }) => archiveError(message))
        )
        yield* ArchiveFiles.flushAll(folder, partition)
        yield* ArchiveFiles.verify(folder, partition)
        return manifest
      })

      const detach = Effect.fn("Archive.detach")(function* (
        partition: string,
        folder: string,
        principal: string
      ) {
        const { manifest } = yield* ArchiveFiles.verify(folder, partition)
        yield* ArchiveFiles.flushAll(folder, partition)
        yield* transaction(
          Effect.gen(function* () {
            const { isOldest, month } = yield* find(partition)
            if (!isOldest)
              return yield* archiveError(`${partition} is not the oldest month; archive earlier months first`)
            // No row can be added after the comparison.
            yield* sql`LOCK TABLE ${tableOf(partition)} IN SHARE ROW EXCLUSIVE MODE`
            const [earlier] = yield* sql`
              SELECT 1 FROM ${tableOf(`${Months.TABLE}_default`)} WHERE id < ${month.upper}::uuid LIMIT 1`
            if (earlier !== undefined)
              return yield* archiveError(
                `${Months.TABLE}_default has rates from before ${DateTime.formatIso(month.until)}, which cannot be archived`
              )
            yield* ArchivedRows.requireSame(sql, manifest)
            const referring = yield* Months.referringTables(sql, month)
            if (referring.length > 0)
              return yield* archiveError(
                `${partition} stays: its rates are evidence for rows of ${referring.join(", ")}`
              )
            const text = yield* Effect.orDie(ArchiveManifest.encode(manifest))
            yield* sql`ALTER TABLE ${parent} DETACH PARTITION ${tableOf(partition)}`
            yield* sql`
              INSERT INTO archived_partition (partition, parent, start_at, until, digest, manifest, principal)
              VALUES (${partition}, ${Months.TABLE}, ${DateTime.toDateUtc(month.start)}, ${DateTime.toDateUtc(month.until)},
                ${manifest.content.digest}, ${text}::text::jsonb, ${principal})`
          })
        )
        return manifest
      })

      const drop = Effect.fn("Archive.drop")(function* (partition: string, folder: string) {
        const { manifest } = yield* ArchiveFiles.verify(folder, partition)
        yield* ArchiveFiles.flushAll(folder, partition)
        yield* transaction(
          Effect.gen(function* () {
            const { digest, isDropped } = yield* archivedOf(partition)
            if (isDropped) return yield* archiveError(`${partition} was dropped already`)
            if (digest !== manifest.content.digest)
              return yield* archiveError(`${folder} has another archive of ${partition}`)
            yield* ArchivedRows.requireSame(sql, manifest)
            yield* sql`DROP TABLE ${tableOf(partition)}`
            yield* sql`UPDATE archived_partition SET dropped_at = clock_timestamp() WHERE partition = ${partition}`
          })
        )
        return manifest
      })

      const restore = Effect.fn("Archive.restore")(function* (partition: string, folder: string) {
        const { file, manifest } = yield* ArchiveFiles.verify(folder, partition)
        yield* transaction(
          Effect.gen(function* () {
            const { digest, isDropped, isNewest } = yield* archivedOf(partition)
            if (digest !== manifest.content.digest)
              return yield* archiveError(`${folder} has another archive of ${partition}`)
            if (!isNewest)
              return yield* archiveError(
                `${partition} is not the newest archived month; restore later months first`
              )
            const added = yield* ArchivedRows.columnsAddedSince(sql, manifest)
            if (!isDropped) yield* ArchivedRows.requireSame(sql, manifest)
            const isCreated = isDropped || added.length > 0
            if (isCreated) {
              if (!isDropped) yield* sql`DROP TABLE ${tableOf(partition)}`
              yield* ArchivedRows.createTable(sql, manifest, file)
              yield* ArchivedRows.requireSame(sql, manifest, added)
            }
            yield* sql`
              ALTER TABLE ${parent} ATTACH PARTITION ${tableOf(partition)}
              FOR VALUES FROM (${sql.literal(`'${manifest.lower}'`)}) TO (${sql.literal(`'${manifest.upper}'`)})`
            if (isCreated) yield* sql`SELECT make_immutable(${partition}::text::regclass)`
            yield* sql`DELETE FROM archived_partition WHERE partition = ${partition}`
          })
        )
        return manifest
      })

      return Archive.of({ list, export: exportMonth, detach, drop, restore })
    })
  )
}

const isRejected = (error: unknown): error is SqlError.SqlError =>
  SqlError.isSqlError(error) && (!isUnavailable(error) || error.reason._tag === "LockTimeoutError")

/** The message of the server, such as the constraint that a change would violate. */
const reasonOf = ({ message, reason }: SqlError.SqlError): string =>
  Predicate.hasProperty(reason.cause, "message") ? String(reason.cause.message) : message
