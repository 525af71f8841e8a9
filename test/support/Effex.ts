import { Effect } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import * as Sandbox from "../../src/providers/Sandbox.ts"
import * as TestDatabase from "./TestDatabase.ts"

const program = fileURLToPath(new URL("../../bin/effex", import.meta.url))

/** A running `effex` command, as a process of its own. */
export interface Running {
  readonly process: ChildProcess
  /** What it wrote so far, to both of its outputs. */
  readonly output: () => string
  /** Waits until it has written something that matches, and returns the match. */
  readonly written: (pattern: RegExp) => Effect.Effect<RegExpMatchArray>
  /** Waits until it ends, and returns its exit code, or the signal that ended it. */
  readonly ended: Effect.Effect<number | NodeJS.Signals>
}

/** Runs `effex` with nothing set but the given environment; it is killed with the scope. */
export const run = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}) =>
  runProgram(program, args, env)

/** Runs any program as `run` does. */
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
              if (child.exitCode !== null) return yield* Effect.die(new Error(`${program} ended: ${output}`))
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

/** A Flutterwave with made-up rates, and an environment that leads to it and to a new database. */
export const makeSandbox = Effect.fnUntraced(function* (env: Readonly<Record<string, string>>) {
  const sandbox = yield* Sandbox.listen({ host: "127.0.0.1", port: 0 })
  const to = {
    DATABASE_URL: yield* TestDatabase.create,
    FLUTTERWAVE_BASE_URL: sandbox.baseUrl,
    FLUTTERWAVE_SECRET_KEY: "key"
  }
  return { sandbox, env: { ...to, ...env } }
})

/** Starts a server without limits on a free port, and returns its address once it listens. */
export const serve = Effect.fnUntraced(function* (env: Readonly<Record<string, string>>, from = program) {
  const running = yield* runProgram(from, ["serve"], {
    PORT: "0",
    LOG_FORMAT: "json",
    RATE_LIMIT_READS: "off",
    RATE_LIMIT_WRITES: "off",
    ...env
  })
  const [, url = ""] = yield* running.written(/effex listens on (http:\/\/[\d.:]+)/)
  return { ...running, url }
})

/** Answers of the server, as text. */
export const get = (url: string, path: string) =>
  Effect.promise(async () => {
    const response = await fetch(url + path)
    return { status: response.status, headers: response.headers, body: await response.text() }
  })
