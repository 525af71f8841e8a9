import { Deferred, Effect, FileSystem, Schema, Stream } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"

/** In how many parts of a second Linux counts processor time; the same wherever Node runs. */
const CLOCK_TICKS = 100

/** A program ended, or said something else than it should. */
export class ProcessFailed extends Schema.TaggedError<ProcessFailed>()("ProcessFailed", {
  program: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.program}: ${this.detail}`
  }
}

/** A program to run, in an environment that has nothing of ours but what is named. */
export interface Program {
  readonly command: ReadonlyArray<string>
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** What it writes when it is ready. */
  readonly ready: RegExp
}

/** How much of what a program wrote is shown when it ends. */
const TAIL = 2_000

const commandOf = ([program = "", ...args]: ReadonlyArray<string>, options: ChildProcess.CommandOptions) =>
  ChildProcess.make(program, args, { stdin: "ignore", ...options })

const failed = (program: string) => (cause: { readonly message: string }) =>
  new ProcessFailed({ program, detail: cause.message })

/** Starts a program, and waits until it is ready; it is stopped with the scope. */
export const start = Effect.fnUntraced(function* ({ command, cwd, env = {}, ready }: Program) {
  const name = command.join(" ")
  const { HOME, PATH } = process.env
  const handle = yield* commandOf(command, {
    cwd,
    env: { HOME, PATH, ...env },
    forceKillAfter: "10 seconds"
  }).pipe(Effect.mapError(failed(name)))
  const matched = yield* Deferred.make<RegExpMatchArray, ProcessFailed>()
  let tail = ""
  const read = (line: string) => {
    tail = `${tail}\n${line}`.slice(-TAIL)
    const match = line.match(ready)
    return match === null ? Effect.void : Effect.asVoid(Deferred.succeed(matched, match))
  }
  yield* handle.all.pipe(
    Stream.decodeText,
    Stream.splitLines,
    Stream.runForEach(read),
    Effect.ignore,
    Effect.andThen(
      Effect.suspend(() => Deferred.fail(matched, new ProcessFailed({ program: name, detail: tail })))
    ),
    Effect.forkScoped
  )
  const match = yield* Deferred.await(matched)
  return { pid: handle.pid as number, match, stop: Effect.mapError(handle.kill(), failed(name)) }
})

/** Runs a program to its end, and returns what it wrote to its standard output. */
export const output = Effect.fnUntraced(function* (command: ReadonlyArray<string>) {
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  return yield* spawner.string(commandOf(command, {})).pipe(Effect.mapError(failed(command.join(" "))))
})

/** Whether a program is on the PATH. */
export const has = (program: string) =>
  output(["sh", "-c", `command -v ${program} || true`]).pipe(Effect.map((path) => path.trim() !== ""))

const procFile = Effect.fnUntraced(function* (pid: number, name: string) {
  const fs = yield* FileSystem.FileSystem
  return yield* fs
    .readFileString(`/proc/${pid}/${name}`)
    .pipe(
      Effect.mapError(() => new ProcessFailed({ program: `/proc/${pid}`, detail: "only Linux tells this" }))
    )
})

/** Resident memory of a process, in bytes. */
export const residentBytes = (pid: number) =>
  Effect.map(procFile(pid, "status"), (status) => Number(status.match(/VmRSS:\s+(\d+) kB/)?.[1]) * 1024)

/** The processor time that a process took so far, in seconds, in its own code and in the kernel. */
export const cpuSeconds = (pid: number) =>
  Effect.map(procFile(pid, "stat"), (stat) => {
    // The name, in parentheses, may hold anything.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
    return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS
  })
