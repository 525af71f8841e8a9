import { Effect, FileSystem, Option, Path, Schedule, Schema, Stream } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import * as PostgresBinaries from "./PostgresBinaries.ts"

/** A PostgreSQL program failed. */
export class PgCtlError extends Schema.TaggedError<PgCtlError>()("PgCtlError", { detail: Schema.String }) {
  override get message(): string {
    return this.detail
  }
}

/** A server and its data folder. */
export interface ServerOptions {
  readonly dataFolder: string
  readonly socketFolder: string
  /** `postgres` command line options, such as `-c fsync=off`. */
  readonly flags: ReadonlyArray<string>
}

/** Quotes a word for the shell through which `pg_ctl` passes its options. */
const shellQuoted = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`

/** Controls the server of one data folder with `initdb` and `pg_ctl`. */
export const make = Effect.fnUntraced(function* ({ dataFolder, flags, socketFolder }: ServerOptions) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  const binaries = yield* PostgresBinaries.find
  const runner = yield* PostgresBinaries.unprivilegedRunner(dataFolder)
  const pidFile = path.join(dataFolder, "postmaster.pid")
  const socketLockFile = path.join(socketFolder, ".s.PGSQL.5432.lock")
  const logFile = path.join(dataFolder, "effex.log")

  const run = Effect.fnUntraced(function* (command: string, args: ReadonlyArray<string>, input = "") {
    const [program = command, ...programArgs] = [...runner.prefix, command, ...args]
    const child = ChildProcess.make(program, programArgs, {
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
      return yield* new PgCtlError({ detail: `${path.basename(command)}: ${output.trim().slice(-500)}` })
    }
    return output
  })

  /** Creates a folder that only the server's user can enter. */
  const makePrivateFolder = (folder: string) =>
    fs
      .makeDirectory(folder, { recursive: true, mode: 0o700 })
      .pipe(
        Effect.andThen(
          runner.owner === undefined ? Effect.void : fs.chown(folder, runner.owner.uid, runner.owner.gid)
        )
      )

  const initdb = Effect.fnUntraced(function* (folder: string, owner: string, database: string) {
    yield* run(binaries.initdb, [
      "-D",
      folder,
      `--username=${owner}`,
      "--auth=trust",
      "--encoding=UTF8",
      "--locale=C",
      "--no-instructions"
    ])
    yield* run(binaries.postgres, ["--single", "-D", folder, "postgres"], `CREATE DATABASE ${database}\n`)
  })

  /** Returns "running", "stopped", or "changing" while it starts, stops or has left child processes behind. */
  const state = Effect.gen(function* () {
    const text = yield* fs.readFileString(pidFile).pipe(Effect.option)
    const lines = Option.getOrElse(text, () => "").split("\n")
    const pid = Number(lines[0])
    if (lines[7]?.trim() === "ready" && (yield* PostgresBinaries.isServerProcess(dataFolder, pid)))
      return "running"
    return (yield* PostgresBinaries.hasServerProcess(dataFolder, pid)) ? "changing" : "stopped"
  }).pipe(Effect.provideService(FileSystem.FileSystem, fs))

  /**
   * Removes the lock file of a crashed server. PostgreSQL would refuse to start because of its pid, which can belong to
   * another process by now. The lock file of a live server, started by another process of effex, is kept.
   */
  const removeStaleLock = Effect.fnUntraced(
    function* (file: string) {
      const [pid = ""] = (yield* Effect.orElseSucceed(fs.readFileString(file), () => "")).split("\n")
      if (pid !== "" && !(yield* PostgresBinaries.isServerProcess(dataFolder, pid)))
        yield* fs.remove(file, { force: true })
    },
    Effect.provideService(FileSystem.FileSystem, fs)
  )

  const pgCtlStart = Effect.gen(function* () {
    yield* removeStaleLock(pidFile)
    yield* removeStaleLock(socketLockFile)
    const options = [
      "-c listen_addresses=''",
      `-c unix_socket_directories=${shellQuoted(socketFolder)}`,
      "-c port=5432",
      ...flags
    ].join(" ")
    yield* run(binaries.pg_ctl, ["start", "-w", "-t", "60", "-D", dataFolder, "-l", logFile, "-o", options])
  })

  /** Starts the server unless it is running. */
  const start = state.pipe(
    Effect.repeat({ while: (current) => current === "changing", schedule: Schedule.spaced("50 millis") }),
    Effect.timeoutOrElse({
      duration: "60 seconds",
      orElse: () =>
        Effect.fail(
          new PgCtlError({
            detail: `the server neither started nor stopped within 60 seconds; see ${logFile}`
          })
        )
    }),
    Effect.flatMap((current) =>
      current === "running"
        ? Effect.void
        : pgCtlStart.pipe(
            // When two processes start it concurrently, one fails and finds the server running.
            Effect.catch((error) =>
              Effect.flatMap(Effect.delay(state, "500 millis"), (after) =>
                after === "stopped" ? Effect.fail(error) : Effect.void
              )
            )
          )
    )
  )

  const stop = run(binaries.pg_ctl, ["stop", "-m", "fast", "-w", "-t", "30", "-D", dataFolder]).pipe(
    Effect.catch((error) =>
      Effect.flatMap(state, (current) => (current === "stopped" ? Effect.void : Effect.fail(error)))
    )
  )

  return { initdb, makePrivateFolder, start, stop }
})
