import { Deferred, Effect, FileSystem, Schema, Stream } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"

/** Linux reports CPU time in ticks of 1/100 s on every architecture that Node supports. */
const CLOCK_TICKS = 100

/** A program failed, or printed unexpected output. */
export class ProcessFailed extends Schema.TaggedError<ProcessFailed>()("ProcessFailed", {
  program: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.program}: ${this.detail}`
  }
}

/** A program to run. Its environment has only `PATH`, `HOME` and `env`. */
export interface Program {
  readonly command: ReadonlyArray<string>
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** Line that it prints when it is ready. */
  readonly ready: RegExp
}

/** Number of characters of output in an error. */
const MAX_OUTPUT_LENGTH = 2_000

const commandOf = ([program = "", ...args]: ReadonlyArray<string>, options: ChildProcess.CommandOptions) =>
  ChildProcess.make(program, args, { stdin: "ignore", ...options })

const toProcessFailed = (program: string) => (cause: { readonly message: string }) =>
  new ProcessFailed({ program, detail: cause.message })

/** Starts a program and waits until it is ready. It is stopped with the scope. */
export const start = Effect.fnUntraced(function* ({ command, cwd, env = {}, ready }: Program) {
  const name = command.join(" ")
  const { HOME, PATH } = process.env
  const handle = yield* commandOf(command, {
    cwd,
    env: { HOME, PATH, ...env },
    forceKillAfter: "10 seconds"
  }).pipe(Effect.mapError(toProcessFailed(name)))
  const matched = yield* Deferred.make<RegExpMatchArray, ProcessFailed>()
  let tail = ""
  const read = (line: string) => {
    tail = `${tail}\n${line}`.slice(-MAX_OUTPUT_LENGTH)
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
  return { pid: handle.pid as number, match, stop: Effect.mapError(handle.kill(), toProcessFailed(name)) }
})

/** Runs a program and returns its standard output. */
export const output = Effect.fnUntraced(function* (
  command: ReadonlyArray<string>,
  options: ChildProcess.CommandOptions = {}
) {
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  return yield* spawner
    .string(commandOf(command, options))
    .pipe(Effect.mapError(toProcessFailed(command.join(" "))))
})

/** Returns true if a program is on the `PATH`. */
export const has = (program: string) =>
  output(["sh", "-c", `command -v ${program} || true`]).pipe(Effect.map((path) => path.trim() !== ""))

const readProcFile = Effect.fnUntraced(function* (pid: number, name: string) {
  const fs = yield* FileSystem.FileSystem
  return yield* fs.readFileString(`/proc/${pid}/${name}`).pipe(
    Effect.mapError(
      () =>
        new ProcessFailed({
          program: `/proc/${pid}`,
          detail: "not readable; this measurement requires Linux"
        })
    )
  )
})

/** Returns the resident memory of a process, in bytes. */
export const residentBytes = (pid: number) =>
  Effect.map(readProcFile(pid, "status"), (status) => Number(status.match(/VmRSS:\s+(\d+) kB/)?.[1]) * 1024)

/** Returns the CPU time of a process so far, user and system, in seconds. */
export const cpuSeconds = (pid: number) =>
  Effect.map(readProcFile(pid, "stat"), (stat) => {
    // The program name, in parentheses, can contain spaces and parentheses.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
    return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS
  })
