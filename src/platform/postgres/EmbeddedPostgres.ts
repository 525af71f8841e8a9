import { Context, Duration, Effect, FileSystem, Layer, Option, Path, Schedule, Schema, Stream } from "effect"
import type { PlatformError } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import { Reactivity } from "effect/reactivity"
import { PgClient } from "@effect/sql-pg"
import { createHash } from "node:crypto"
import { tmpdir } from "node:os"
import { Settings } from "../../config/Settings.ts"
import * as PostgresBinaries from "./PostgresBinaries.ts"

/** The embedded PostgreSQL could not be started. */
export class EmbeddedPostgresError extends Schema.TaggedError<EmbeddedPostgresError>()(
  "EmbeddedPostgresError",
  {
    detail: Schema.String
  }
) {
  override get message(): string {
    return `The embedded PostgreSQL did not start: ${this.detail}. Set DATABASE_URL to use a PostgreSQL of your own.`
  }
}

/** How to reach the server. Only its owner can: the socket stands in a folder that nobody else may enter. */
export interface Connection {
  readonly path: string
  readonly username: string
  readonly database: string
}

/** A PostgreSQL of effex's own, with its data under `DATA_DIR/postgres`. */
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

/**
 * The server of a data folder for as long as the scope is open: made where there is none yet, started where it does
 * not run, shared where another process of effex started it, started anew where it dies. The last process that
 * leaves stops it.
 *
 * `flags` are `postgres` command line options, such as `-c fsync=off` for tests.
 */
export const acquire = Effect.fn("EmbeddedPostgres.acquire")(
  function* (folder: string, flags: ReadonlyArray<string> = []) {
    const server = yield* makeServer(folder, flags)
    yield* server.initialise
    yield* Effect.acquireRelease(server.start, () => server.stopIfLast)
    yield* server.start.pipe(
      Effect.tapError((error) => Effect.logError(error.message)),
      Effect.ignore,
      Effect.repeat(Schedule.spaced("1 second")),
      Effect.forkScoped
    )
    return server.connection
  },
  Effect.mapError((error) =>
    error._tag === "EmbeddedPostgresError" ? error : new EmbeddedPostgresError({ detail: error.message })
  )
)

/** As one word of a shell, through which `pg_ctl` passes its options. */
const quoted = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`

const OWNER = "effex"
const DATABASE = "effex"
/** The longest path that a Unix socket can have on every platform that PostgreSQL runs on. */
const SOCKET_PATH_LIMIT = 100

const makeServer = Effect.fnUntraced(function* (folder: string, flags: ReadonlyArray<string>) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  const binaries = yield* PostgresBinaries.find

  yield* fs.makeDirectory(folder, { recursive: true })
  const parent = yield* fs.realPath(folder)
  const data = path.join(parent, "postgres")
  const pidFile = path.join(data, "postmaster.pid")
  const logFile = path.join(data, "effex.log")
  const user = yield* PostgresBinaries.unprivilegedUser(data)

  const inData = data.length < SOCKET_PATH_LIMIT - ".s.PGSQL.5432".length
  const digest = createHash("sha256").update(data).digest("hex").slice(0, 16)
  const socketFolder = inData ? data : path.join(tmpdir(), `effex-${digest}`)
  const connection: Connection = {
    path: path.join(socketFolder, ".s.PGSQL.5432"),
    username: OWNER,
    database: DATABASE
  }

  const run = Effect.fnUntraced(function* (command: string, args: ReadonlyArray<string>, input = "") {
    const [program = command, ...rest] = [...user.prefix, command, ...args]
    const child = ChildProcess.make(program, rest, {
      stdin: Stream.encodeText(Stream.make(input)),
      env: { LC_ALL: "C" },
      extendEnv: true
    })
    const [code, output] = yield* spawner.spawn(child).pipe(
      Effect.flatMap((handle) =>
        Effect.all([handle.exitCode, handle.all.pipe(Stream.decodeText, Stream.mkString)], { concurrency: 2 })
      ),
      Effect.scoped
    )
    if (code !== 0) {
      return yield* new EmbeddedPostgresError({
        detail: `${path.basename(command)}: ${output.trim().slice(-500)}`
      })
    }
    return output
  })

  const hold = (directory: string) =>
    fs
      .makeDirectory(directory, { recursive: true, mode: 0o700 })
      .pipe(
        Effect.andThen(
          user.owner === undefined ? Effect.void : fs.chown(directory, user.owner.uid, user.owner.gid)
        )
      )

  /** Made aside and moved into place whole, so that a kill in the middle leaves nothing half made. */
  const initialise = Effect.gen(function* () {
    if (!inData) yield* hold(socketFolder)
    const versionFile = path.join(data, "PG_VERSION")
    if (yield* fs.exists(versionFile)) {
      const version = (yield* fs.readFileString(versionFile)).trim()
      if (version === PostgresBinaries.MAJOR_VERSION) return
      return yield* new EmbeddedPostgresError({
        detail: `${data} was made by PostgreSQL ${version}, and this is ${PostgresBinaries.MAJOR_VERSION}`
      })
    }
    const aside = yield* fs.makeTempDirectoryScoped({ directory: parent, prefix: "postgres-new-" })
    yield* hold(aside)
    const fresh = path.join(aside, "data")
    yield* run(binaries.initdb, [
      "-D",
      fresh,
      `--username=${OWNER}`,
      "--auth=trust",
      "--encoding=UTF8",
      "--locale=C",
      "--no-instructions"
    ])
    yield* run(binaries.postgres, ["--single", "-D", fresh, "postgres"], `CREATE DATABASE ${DATABASE}\n`)
    // Another process may have been as fast: then its folder stands there, and is as good.
    yield* fs
      .rename(fresh, data)
      .pipe(
        Effect.catch((error) =>
          Effect.flatMap(fs.exists(versionFile), (made) => (made ? Effect.void : Effect.fail(error)))
        )
      )
  }).pipe(Effect.scoped)

  /** "running", "gone", or "busy" while it starts, stops, or leaves a process behind. */
  const state = Effect.gen(function* () {
    const text = yield* fs.readFileString(pidFile).pipe(Effect.option)
    const lines = Option.getOrElse(text, () => "").split("\n")
    const pid = Number(lines[0])
    if (lines[7]?.trim() === "ready" && (yield* PostgresBinaries.isServing(data, pid))) return "running"
    return (yield* PostgresBinaries.anyServing(data, pid)) ? "busy" : "gone"
  }).pipe(Effect.provideService(FileSystem.FileSystem, fs))

  /**
   * Removes the mark of a server that is gone: PostgreSQL would wait for a process that is not there, or is another one by
   * now. One that another process of effex has just started keeps its own.
   */
  const removeMark = Effect.fnUntraced(
    function* (file: string) {
      const [pid = ""] = (yield* Effect.orElseSucceed(fs.readFileString(file), () => "")).split("\n")
      if (pid !== "" && !(yield* PostgresBinaries.isServing(data, pid)))
        yield* fs.remove(file, { force: true })
    },
    Effect.provideService(FileSystem.FileSystem, fs)
  )

  const startNow = Effect.gen(function* () {
    yield* removeMark(pidFile)
    yield* removeMark(`${connection.path}.lock`)
    const options = [
      "-c listen_addresses=''",
      `-c unix_socket_directories=${quoted(socketFolder)}`,
      "-c port=5432",
      ...flags
    ]
    yield* run(binaries.pg_ctl, [
      "start",
      "-w",
      "-t",
      "60",
      "-D",
      data,
      "-l",
      logFile,
      "-o",
      options.join(" ")
    ])
  })

  const start: Effect.Effect<void, EmbeddedPostgresError | PlatformError.PlatformError> = state.pipe(
    Effect.repeat({ while: (now) => now === "busy", schedule: Schedule.spaced("50 millis") }),
    Effect.timeoutOrElse({
      duration: "60 seconds",
      orElse: () =>
        Effect.fail(new EmbeddedPostgresError({ detail: `it neither runs nor stops; see ${logFile}` }))
    }),
    Effect.flatMap((now) =>
      now === "running"
        ? Effect.void
        : startNow.pipe(
            // Two processes may start it at once: then one is refused, and finds it running.
            Effect.catch((error) =>
              Effect.flatMap(Effect.delay(state, "500 millis"), (after) =>
                after === "gone" ? Effect.fail(error) : Effect.void
              )
            )
          )
    )
  )

  const others = Effect.gen(function* () {
    const sql = yield* PgClient.makeClient({ ...connection, connectTimeout: Duration.seconds(2) })
    const [row] = yield* sql<{ count: bigint }>`
      SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`
    return row === undefined ? 0n : row.count
  }).pipe(Effect.scoped, Effect.provide(Reactivity.layer))

  const stop = run(binaries.pg_ctl, ["stop", "-m", "fast", "-w", "-t", "30", "-D", data]).pipe(
    Effect.catch((error) =>
      Effect.flatMap(state, (now) => (now === "gone" ? Effect.void : Effect.fail(error)))
    )
  )

  const stopIfLast = others.pipe(
    // A connection that was just closed may still be listed for a moment.
    Effect.repeat({ while: (count) => count > 0n, schedule: Schedule.spaced("40 millis"), times: 5 }),
    Effect.orElseSucceed(() => 0n),
    Effect.flatMap((count) => (count > 0n ? Effect.void : stop)),
    Effect.catch((error) => Effect.logWarning(`The embedded PostgreSQL was not stopped: ${error.message}`))
  )

  return { connection, initialise, start, stopIfLast }
})
