import { Context, Duration, Effect, FileSystem, Layer, Option, Path } from "effect"
import { type PlatformError, Predicate, Schedule, Schema } from "effect"
import { Reactivity } from "effect/reactivity"
import { PgClient } from "@effect/sql-pg"
import { createHash } from "node:crypto"
import { tmpdir } from "node:os"
import { Settings } from "../../config/Settings.ts"
import * as SlowStart from "../SlowStart.ts"
import * as PgCtl from "./PgCtl.ts"
import * as PostgresBinaries from "./PostgresBinaries.ts"

const OWNER = "effex"
const DATABASE = "effex"
const SOCKET_NAME = ".s.PGSQL.5432"
/** Maximum length of the socket's path, on all platforms of PostgreSQL. */
const MAX_SOCKET_PATH_LENGTH = 100

/** The embedded PostgreSQL could not be started. */
export class EmbeddedPostgresError extends Schema.TaggedError<EmbeddedPostgresError>()(
  "EmbeddedPostgresError",
  {
    detail: Schema.String
  }
) {
  override get message(): string {
    return `The embedded PostgreSQL did not start: ${this.detail}. Set DATABASE_URL to use your own PostgreSQL.`
  }
}

/** Address of the server: a Unix socket in a folder that only its owner can enter. */
export interface Connection {
  readonly path: string
  readonly username: string
  readonly database: string
}

/** Creates the data folder unless it exists; fails when another major version created it. */
const initialize = Effect.fnUntraced(function* (
  server: Effect.Success<ReturnType<typeof PgCtl.make>>,
  dataFolder: string
) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const versionFile = path.join(dataFolder, "PG_VERSION")
  if (yield* fs.exists(versionFile)) {
    const version = (yield* fs.readFileString(versionFile)).trim()
    if (version === PostgresBinaries.MAJOR_VERSION) return
    return yield* new EmbeddedPostgresError({
      detail: `${dataFolder} was created by PostgreSQL ${version}; this version of effex needs ${PostgresBinaries.MAJOR_VERSION}`
    })
  }
  // Created in a temporary folder and renamed, so that a kill never leaves an incomplete data folder.
  const temporaryFolder = yield* fs.makeTempDirectoryScoped({
    directory: path.dirname(dataFolder),
    prefix: "postgres-new-"
  })
  yield* server.makePrivateFolder(temporaryFolder)
  const newDataFolder = path.join(temporaryFolder, "data")
  yield* server.initdb(newDataFolder, OWNER, DATABASE)
  // The rename fails when a concurrent process was first: then its data folder is used.
  yield* fs
    .rename(newDataFolder, dataFolder)
    .pipe(
      Effect.catch((error) =>
        Effect.flatMap(fs.exists(versionFile), (exists) => (exists ? Effect.void : Effect.fail(error)))
      )
    )
}, Effect.scoped)

/**
 * Creates DATA_DIR and its missing parents, one by one: Node's recursive `mkdir` never returns for a folder of a virtual
 * file system such as `/proc`.
 */
const makeDataDir = (
  folder: string
): Effect.Effect<void, EmbeddedPostgresError, FileSystem.FileSystem | Path.Path> =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    const found = yield* Effect.option(fs.stat(folder))
    if (Option.isSome(found)) {
      if (found.value.type === "Directory") return
      const detail = `DATA_DIR, ${folder}, is a file; set it to a directory`
      return yield* new EmbeddedPostgresError({ detail })
    }
    const parent = path.dirname(path.resolve(folder))
    if (parent !== path.resolve(folder)) yield* makeDataDir(parent)
    yield* fs.makeDirectory(folder).pipe(
      Effect.catchIf(
        ({ reason }) => reason._tag === "AlreadyExists",
        () => Effect.void
      ),
      Effect.mapError(
        (error) =>
          new EmbeddedPostgresError({
            detail: `DATA_DIR, ${folder}, cannot be created (${reasonOf(error)}); set it to a directory that this user may write`
          })
      )
    )
  })

/** Returns the code of the operating system, such as `EACCES`. */
const reasonOf = ({ reason }: PlatformError.PlatformError) =>
  Predicate.hasProperty(reason.cause, "code") ? String(reason.cause.code) : reason._tag

/** Explains the output of PostgreSQL's programs and errors of the file system. */
const describe = (detail: string): string => {
  if (/No space left on device|ENOSPC/.test(detail)) return "the disk of DATA_DIR is full; free space"
  if (/Read-only file system|EROFS/.test(detail))
    return "DATA_DIR is on a read-only file system; set it to a directory that this user may write"
  if (/Permission ?[dD]enied|EACCES|EPERM/.test(detail))
    return "DATA_DIR cannot be written by this user; set it to a directory that this user may write"
  return detail
}

const countOtherClients = Effect.fnUntraced(
  function* (connection: Connection) {
    const sql = yield* PgClient.makeClient({ ...connection, connectTimeout: Duration.seconds(2) })
    const [row] = yield* sql<{ count: bigint }>`
      SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`
    return row === undefined ? 0n : row.count
  },
  Effect.scoped,
  Effect.provide(Reactivity.layer)
)

/**
 * Runs the PostgreSQL server of a data folder until the scope closes. Creates the folder and starts the server as needed,
 * shares it with other processes of effex, and restarts it when it dies. The last process stops it.
 *
 * `flags` are `postgres` command line options, such as `-c fsync=off` for tests.
 */
export const acquire = Effect.fn("EmbeddedPostgres.acquire")(
  function* (folder: string, flags: ReadonlyArray<string> = []) {
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    yield* makeDataDir(folder)
    const dataFolder = path.join(yield* fs.realPath(folder), "postgres")
    const hasShortPath = path.join(dataFolder, SOCKET_NAME).length <= MAX_SOCKET_PATH_LENGTH
    const digest = createHash("sha256").update(dataFolder).digest("hex").slice(0, 16)
    const socketFolder = hasShortPath ? dataFolder : path.join(tmpdir(), `effex-${digest}`)
    const connection: Connection = {
      path: path.join(socketFolder, SOCKET_NAME),
      username: OWNER,
      database: DATABASE
    }
    const server = yield* PgCtl.make({ dataFolder, socketFolder, flags })

    const stopIfUnused = countOtherClients(connection).pipe(
      // A connection that was just closed can still be listed for a moment.
      Effect.repeat({ while: (count) => count > 0n, schedule: Schedule.spaced("40 millis"), times: 5 }),
      Effect.orElseSucceed(() => 0n),
      Effect.flatMap((count) => (count > 0n ? Effect.void : server.stop)),
      Effect.catch((error) => Effect.logWarning(`Stopping the embedded PostgreSQL failed: ${error.message}`))
    )

    if (!hasShortPath) yield* server.makePrivateFolder(socketFolder)
    const inFolder = SlowStart.report(`Waiting for the embedded PostgreSQL in ${dataFolder} to start`)
    yield* inFolder(initialize(server, dataFolder))
    yield* Effect.acquireRelease(inFolder(server.start), () => stopIfUnused)
    yield* server.start.pipe(
      Effect.catch((error) => Effect.logError(`Restarting the embedded PostgreSQL failed: ${error.message}`)),
      Effect.repeat(Schedule.spaced("1 second")),
      Effect.forkScoped
    )
    return connection
  },
  Effect.mapError((error) =>
    error._tag === "EmbeddedPostgresError"
      ? error
      : new EmbeddedPostgresError({ detail: describe(error.message) })
  )
)

/** A PostgreSQL server that belongs to effex, with its data in `DATA_DIR/postgres`. */
export class EmbeddedPostgres extends Context.Service<EmbeddedPostgres, Connection>()(
  "effex/platform/postgres/EmbeddedPostgres"
) {
  static readonly layer = Layer.effect(
    EmbeddedPostgres,
    Effect.gen(function* () {
      const { dataDir } = yield* Settings
      return EmbeddedPostgres.of(yield* acquire(dataDir))
    })
  )
}
