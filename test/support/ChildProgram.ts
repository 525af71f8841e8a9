import { Effect } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { ProgramOutput } from "./ProgramOutput.ts"

/** A program that runs as a child process. */
export interface Running {
  readonly process: ChildProcess
  /** Everything printed so far, to standard output and standard error. */
  readonly output: () => string
  /** Everything printed so far to standard output. */
  readonly stdout: () => string
  /** Waits until the output matches and returns the match. */
  readonly written: (pattern: RegExp) => Effect.Effect<RegExpMatchArray>
  /** Waits for the end and returns the exit code, or the signal that killed the program. */
  readonly ended: Effect.Effect<number | NodeJS.Signals>
}

/** Runs a program with only the given environment variables. The end of the scope kills it. */
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
      const output = new ProgramOutput()
      let stdout = ""
      child.stdout.on("data", (chunk: Buffer) => {
        stdout += chunk.toString()
        output.append(chunk.toString())
      })
      child.stderr.on("data", (chunk: Buffer) => output.append(chunk.toString()))
      const ended = new Promise<number | NodeJS.Signals>((resolve) =>
        child.on("close", (code, signal) => {
          output.end()
          resolve(code ?? signal ?? -1)
        })
      )
      return {
        process: child,
        output: () => output.text,
        stdout: () => stdout,
        written: (pattern) => output.match(pattern),
        ended: Effect.promise(() => ended)
      }
    }),
    ({ ended, process: child }) =>
      Effect.andThen(
        Effect.sync(() => child.kill("SIGKILL")),
        ended
      )
  )
