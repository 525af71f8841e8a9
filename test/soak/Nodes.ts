import { Effect, Exit, Latch, Scope } from "effect"
import { readFileSync } from "node:fs"
import { type Running, runProgram } from "../support/ChildProgram.ts"
import { Report } from "./Report.ts"

/** A node as it is between two starts. */
interface Incarnation {
  /** `node 1, start 3`. */
  readonly name: string
  readonly url: string
  readonly running: Running
}

/** One of the servers, which is started again whenever it ends. */
export interface Node {
  readonly index: number
  /** None while it starts. */
  readonly current: () => Incarnation | undefined
  /** Kills it, or asks it to stop; what it then ends with is checked. It is started again once it is released. */
  readonly stop: (signal: "SIGKILL" | "SIGTERM") => Effect.Effect<void>
  readonly release: Effect.Effect<void>
  readonly signal: (signal: NodeJS.Signals) => Effect.Effect<void>
  /** What all its processes have written. */
  readonly output: () => string
  /** The most memory that any of its processes had, in MiB, and what it has now. */
  readonly memory: () => { readonly peak: number; readonly now: number }
}

/** How long a node may take to stop when it is asked to. */
const STOP_MILLIS = 20_000

/** Starts a node and keeps it running until the scope is closed. */
export const start = Effect.fnUntraced(function* (
  index: number,
  program: string,
  env: Readonly<Record<string, string>>
) {
  const report = yield* Report
  const mayRun = Latch.makeUnsafe(true)
  let current: Incarnation | undefined
  /** The signal by which it is being ended. */
  let ending: NodeJS.Signals | undefined
  let starts = 0
  let before = ""
  let peak = 0

  const run = Effect.gen(function* () {
    const name = `node ${index}, start ${++starts}`
    const running = yield* runProgram(program, ["serve"], { PORT: "0", LOG_FORMAT: "json", ...env })
    const listens = running.written(/effex listens on (http:\/\/[\d.:]+)/).pipe(
      Effect.map(([, url = ""]) => {
        current = { name, url, running }
      }),
      Effect.catchDefect(() => Effect.void)
    )
    yield* Effect.raceFirst(listens, running.ended)
    const listened = current !== undefined
    const code = yield* Effect.raceFirst(running.ended, Effect.forever(Effect.delay(measure, "500 millis")))
    current = undefined
    before += running.output()
    const expected =
      ending === "SIGKILL" ? "SIGKILL" : ending === "SIGTERM" || !listened ? 0 : "to run until it is stopped"
    // Without its database a node does not start, says so, and is started again.
    const neverBegan = !listened && code === 1
    if (code !== expected && !neverBegan) {
      const detail = `${name} ended with ${code}, expected ${expected}: ${running.output().slice(-1500)}`
      yield* report.violation("a node ends only when it is told to, and then as it should", detail)
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

  const stop: Node["stop"] = Effect.fnUntraced(function* (how) {
    mayRun.closeUnsafe()
    const stopping = current
    ending = how
    if (stopping === undefined) return
    yield* signal(how)
    yield* stopping.running.ended.pipe(
      Effect.timeoutOrElse({
        duration: STOP_MILLIS,
        orElse: () =>
          report
            .violation("a node stops when it is asked to", `${stopping.name} runs on after ${STOP_MILLIS} ms`)
            .pipe(Effect.andThen(signal("SIGKILL")))
      })
    )
  })

  const node: Node = {
    index,
    current: () => current,
    stop,
    release: Effect.sync(() => {
      ending = undefined
      mayRun.openUnsafe()
    }),
    signal: (name) => Effect.asVoid(signal(name)),
    output: () => before + (current?.running.output() ?? ""),
    memory: () => ({ peak, now: memoryOf(current, "VmRSS") })
  }
  return node
})

/** In MiB. */
const memoryOf = (node: Incarnation | undefined, field: "VmHWM" | "VmRSS") => {
  try {
    const status = readFileSync(`/proc/${node?.running.process.pid}/status`, "utf8")
    return Math.round(Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(status)?.[1] ?? 0) / 1024)
  } catch {
    return 0
  }
}
