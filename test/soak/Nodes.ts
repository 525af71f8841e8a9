import { Effect, Exit, Latch, Scope } from "effect"
import { readFileSync } from "node:fs"
import { type Running, runProgram } from "../support/ChildProgram.ts"
import { Report } from "./Report.ts"

/** One process of a node. */
interface NodeProcess {
  /** For example `node 1, start 3`. */
  readonly name: string
  readonly url: string
  readonly running: Running
}

/** A server that is restarted whenever it exits. */
export interface Node {
  readonly index: number
  /** Undefined while it starts. */
  readonly current: () => NodeProcess | undefined
  /** Stops the process and checks its exit code. The node restarts after `release`. */
  readonly stop: (signal: "SIGKILL" | "SIGTERM") => Effect.Effect<void>
  readonly release: Effect.Effect<void>
  readonly signal: (signal: NodeJS.Signals) => Effect.Effect<void>
  /** Output of all its processes. */
  readonly output: () => string
  /** Peak memory of all its processes and current memory, in MiB. */
  readonly memory: () => { readonly peak: number; readonly now: number }
}

/** Longest time that a node may take to stop after SIGTERM. */
const STOP_TIMEOUT_MILLIS = 20_000

/** Starts a node and keeps it running for the lifetime of the scope. */
export const start = Effect.fnUntraced(function* (
  index: number,
  program: string,
  env: Readonly<Record<string, string>>
) {
  const report = yield* Report
  const mayRun = Latch.makeUnsafe(true)
  let current: NodeProcess | undefined
  /** Signal that is stopping the current process. */
  let stopSignal: NodeJS.Signals | undefined
  let starts = 0
  let earlierOutput = ""
  let peak = 0

  const run = Effect.gen(function* () {
    const name = `node ${index}, start ${++starts}`
    const running = yield* runProgram(program, ["serve"], { PORT: "0", LOG_FORMAT: "json", ...env })
    const listens = running.written(/effex is listening on (http:\/\/[\d.:]+)/).pipe(
      Effect.map(([, url = ""]) => {
        current = { name, url, running }
      }),
      Effect.catchDefect(() => Effect.void)
    )
    yield* Effect.raceFirst(listens, running.ended)
    const hasStarted = current !== undefined
    const code = yield* Effect.raceFirst(running.ended, Effect.forever(Effect.delay(measure, "500 millis")))
    current = undefined
    earlierOutput += running.output()
    const expected =
      stopSignal === "SIGKILL" ? "SIGKILL" : stopSignal === "SIGTERM" || !hasStarted ? 0 : "no exit"
    // A node exits with code 1 if its database is unavailable at the start.
    const hasFailedToStart = !hasStarted && code === 1
    if (code !== expected && !hasFailedToStart) {
      const detail = `${name} exited with ${code}, expected ${expected}: ${running.output().slice(-1500)}`
      yield* report.violation("a node exits only on a signal, with the right exit code", detail)
    }
  }).pipe(Effect.scoped)

  const measure = Effect.sync(() => {
    peak = Math.max(peak, memoryOf(current, "VmHWM"))
  })

  const scope = yield* Effect.acquireRelease(Scope.make(), (scope) => Scope.close(scope, Exit.void))
  yield* Effect.forkIn(
    Effect.forever(Effect.andThen(mayRun.await, Effect.andThen(run, Effect.sleep("200 millis")))),
    scope
  )

  const signal = (signal: NodeJS.Signals) => Effect.sync(() => current?.running.process.kill(signal))

  const stop: Node["stop"] = Effect.fnUntraced(function* (signalName) {
    mayRun.closeUnsafe()
    const stopping = current
    stopSignal = signalName
    if (stopping === undefined) return
    yield* signal(signalName)
    yield* stopping.running.ended.pipe(
      Effect.timeoutOrElse({
        duration: STOP_TIMEOUT_MILLIS,
        orElse: () =>
          report
            .violation(
              "a node stops on SIGTERM",
              `${stopping.name} still runs after ${STOP_TIMEOUT_MILLIS} ms`
            )
            .pipe(Effect.andThen(signal("SIGKILL")))
      })
    )
  })

  const node: Node = {
    index,
    current: () => current,
    stop,
    release: Effect.sync(() => {
      stopSignal = undefined
      mayRun.openUnsafe()
    }),
    signal: (name) => Effect.asVoid(signal(name)),
    output: () => earlierOutput + (current?.running.output() ?? ""),
    memory: () => ({ peak, now: memoryOf(current, "VmRSS") })
  }
  return node
})

/** Memory of a process in MiB. */
const memoryOf = (node: NodeProcess | undefined, field: "VmHWM" | "VmRSS") => {
  try {
    const status = readFileSync(`/proc/${node?.running.process.pid}/status`, "utf8")
    return Math.round(Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(status)?.[1] ?? 0) / 1024)
  } catch {
    return 0
  }
}
