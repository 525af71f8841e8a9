import { Effect } from "effect"
import { fileURLToPath } from "node:url"
import * as Sandbox from "../../src/providers/sandbox/Sandbox.ts"
import { runProgram } from "./ChildProgram.ts"
import * as TestDatabase from "./TestDatabase.ts"

const program = fileURLToPath(new URL("../../bin/effex", import.meta.url))

/** Runs `effex` with nothing set but the given environment; it is killed with the scope. */
export const run = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}) =>
  runProgram(program, args, env)

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
