import { PgClient } from "@effect/sql-pg"
import { NodeServices } from "@effect/platform-node"
import { Effect, FileSystem, Schema } from "effect"
import { Reactivity } from "effect/reactivity"
import { cp } from "node:fs/promises"
import * as EmbeddedPostgres from "../../src/platform/postgres/EmbeddedPostgres.ts"
import * as PostgresServer from "./PostgresServer.ts"

const FLAGS = ["-c max_connections=50"]

/** Files of a running server that a base backup leaves out. */
const EXCLUDED = /\/(postmaster\.(pid|opts)|pg_wal\/.+|\.s\.PGSQL\..*)$/

const makeFolder = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  return yield* Effect.flatMap(fs.makeTempDirectoryScoped({ prefix: "effex-own-" }), fs.realPath)
})

const decodeLabel = Schema.decodeUnknownEffect(Schema.Tuple([Schema.Struct({ labelfile: Schema.String })]))
const decodeFile = Schema.decodeUnknownEffect(Schema.Tuple([Schema.Struct({ file: Schema.String })]))
const decodeState = Schema.decodeUnknownEffect(Schema.Tuple([Schema.Struct({ done: Schema.Boolean })]))

/** Runs a query every 50 ms until it returns true. */
const awaitTrue = (query: Effect.Effect<unknown, unknown>) =>
  query.pipe(
    Effect.flatMap(decodeState),
    Effect.orDie,
    Effect.flatMap(([{ done }]) =>
      done ? Effect.void : Effect.andThen(Effect.sleep("50 millis"), Effect.fail("again"))
    ),
    Effect.eventually
  )

/** Runs a PostgreSQL server that archives its write-ahead log, until the scope closes. */
export const start = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const [folder, archive] = [yield* makeFolder, yield* makeFolder]
  // PostgreSQL may run as another user.
  yield* fs.chmod(archive, 0o777)
  yield* Effect.scoped(EmbeddedPostgres.acquire(folder, FLAGS))
  yield* fs.writeFileString(
    `${folder}/postgres/postgresql.auto.conf`,
    `archive_mode = on\narchive_command = 'test ! -f ${archive}/%f && cp %p ${archive}/%f'\n`
  )
  const server = yield* PostgresServer.startIn(folder, FLAGS)
  const sql = yield* PgClient.makeClient(server.connection)

  /** Copies the files of the running server, as `pg_basebackup` does. */
  const baseBackup = Effect.gen(function* () {
    const copy = yield* makeFolder
    yield* sql`SELECT pg_backup_start('base', true)`
    yield* Effect.promise(() =>
      cp(`${folder}/postgres`, `${copy}/postgres`, {
        recursive: true,
        preserveTimestamps: true,
        filter: (source) => !EXCLUDED.test(source)
      })
    )
    const [{ labelfile }] = yield* decodeLabel(yield* sql`SELECT labelfile FROM pg_backup_stop(false)`)
    yield* fs.writeFileString(`${copy}/postgres/backup_label`, labelfile)
    yield* fs.chmod(`${copy}/postgres`, 0o700)
    return `${copy}/postgres`
  }).pipe(Effect.orDie)

  /** Waits until everything that was committed is in the archive. */
  const archiveAll = Effect.gen(function* () {
    const [{ file }] = yield* decodeFile(yield* sql`SELECT pg_walfile_name(pg_switch_wal()) AS file`)
    yield* awaitTrue(sql`SELECT coalesce(last_archived_wal >= ${file}, false) AS done FROM pg_stat_archiver`)
  }).pipe(Effect.orDie)

  /** Starts a server from a copy of a base backup, with the archived log up to `target`, or with all of it. */
  const restore = Effect.fnUntraced(
    function* (backup: string, target: "base backup" | "all") {
      const restored = yield* makeFolder
      yield* Effect.promise(() =>
        cp(backup, `${restored}/postgres`, { recursive: true, preserveTimestamps: true })
      )
      yield* fs.chmod(`${restored}/postgres`, 0o700)
      yield* fs.writeFileString(`${restored}/postgres/recovery.signal`, "")
      const until =
        target === "all" ? "" : "recovery_target = 'immediate'\nrecovery_target_action = 'promote'\n"
      yield* fs.writeFileString(
        `${restored}/postgres/postgresql.auto.conf`,
        `restore_command = 'cp ${archive}/%f %p'\n${until}`
      )
      const server = yield* PostgresServer.startIn(restored, FLAGS)
      const client = yield* PgClient.makeClient(server.connection)
      yield* awaitTrue(client`SELECT NOT pg_is_in_recovery() AS done`)
      return server
    },
    Effect.orDie,
    Effect.provide([NodeServices.layer, Reactivity.layer])
  )

  return { url: server.url, baseBackup, archiveAll, restore }
}).pipe(Effect.provide([NodeServices.layer, Reactivity.layer]))
