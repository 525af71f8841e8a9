import { Effect } from "effect"
import { type ChildProcess, spawn } from "node:child_process"

/** A running program, as a process of its own. */
export interface Running {
  readonly process: ChildProcess
  /** What it wrote so far, to both of its outputs. */
  readonly output: () => string
  /** Waits until it has written something that matches, and returns the match. */
  readonly written: (pattern: RegExp) => Effect.Effect<RegExpMatchArray>
  /** Waits until it ends, and returns its exit code, or the signal that ended it. */
  readonly ended: Effect.Effect<number | NodeJS.Signals>
}

/** Runs a program with nothing set but the given environment; it is killed with the scope. */
export const runProgram = (
  program: string,
  args: ReadonlyArray<string>,
  env: Readonly<Record<string, string>> = {},
  cwd?: string
) =>
  Effect.acquireRelease(
    Effect.sync((): Running => {
      const { HOME, PATH } = process.env
      const child = spawn(program, args, {
        cwd,
        env: { HOME, PATH, ...env },
        stdio: ["ignore", "pipe", "pipe"]
      })
      let output = ""
      child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()))
      child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()))
      const ended = new Promise<number | NodeJS.Signals>((resolve) =>
        child.on("close", (code, signal) => resolve(code ?? signal ?? -1))
      )
      return {
        process: child,
        output: () => output,
        written: (pattern) =>
          Effect.gen(function* () {
            for (;;) {
              const match = output.match(pattern)
              if (match !== null) return match
              if (child.exitCode !== null || child.signalCode !== null)
                return yield* Effect.die(new Error(`${program} ended: ${output}`))
              yield* Effect.sleep("20 millis")
            }
          }),
        ended: Effect.promise(() => ended)
      }
    }),
    ({ ended, process: child }) =>
      Effect.andThen(
        Effect.sync(() => child.kill("SIGKILL")),
        ended
      )
  )
