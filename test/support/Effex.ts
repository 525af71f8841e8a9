import { Effect } from "effect"
import { fileURLToPath } from "node:url"
import * as Sandbox from "../../src/providers/sandbox/Sandbox.ts"
import { runProgram } from "./ChildProgram.ts"
import * as TestDatabase from "./TestDatabase.ts"

const program = fileURLToPath(new URL("../../bin/effex", import.meta.url))

/** Runs `bin/effex` as a child process with only the given environment variables. The end of the scope kills it. */
export const run = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}) =>
  runProgram(program, args, env)

/** Starts a sandbox provider, and returns an environment for it and for a new database. */
export const makeSandbox = Effect.fnUntraced(function* (env: Readonly<Record<string, string>>) {
  const sandbox = yield* Sandbox.listen({ host: "127.0.0.1", port: 0 })
  const defaults = {
    DATABASE_URL: yield* TestDatabase.create,
    FLUTTERWAVE_BASE_URL: sandbox.baseUrl,
    FLUTTERWAVE_SECRET_KEY: "key"
  }
  return { sandbox, env: { ...defaults, ...env } }
})

/** Environment of a server on a free port without rate limits. */
export const SERVER_ENV = {
  PORT: "0",
  LOG_FORMAT: "json",
  RATE_LIMIT_READS: "off",
  RATE_LIMIT_WRITES: "off"
}

/** Matches the log line of a server that accepts requests, and captures its URL. */
export const LISTENING = /effex is listening on (http:\/\/[\d.:]+)/

/** Starts a server process without rate limits on a free port and waits until it listens. */
export const serve = Effect.fnUntraced(function* (env: Readonly<Record<string, string>>, from = program) {
  const running = yield* runProgram(from, ["serve"], { ...SERVER_ENV, ...env })
  const [, url = ""] = yield* running.written(LISTENING)
  return { ...running, url }
})

/** Sends a GET request and returns the response with its text. */
export const get = (url: string, path: string) =>
  Effect.promise(async () => {
    const response = await fetch(url + path)
    return { status: response.status, headers: response.headers, body: await response.text() }
  })
