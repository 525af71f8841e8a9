import { PgClient } from "@effect/sql-pg"
import { inject } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import * as TcpProxy from "./TcpProxy.ts"
import * as TestConversions from "./TestConversions.ts"
import * as TestDatabase from "./TestDatabase.ts"

/** Environment of nodes that share a database. */
export const envOf = (url: string) => ({
  DATABASE_URL: url,
  AUDIT_SIGNING_KEY: TestConversions.SIGNING_KEY
})

/** Connects to a database directly. */
export const connect = (url: string) => PgClient.makeClient({ url: Redacted.make(url) })

/** Creates a database. Returns the environment of nodes that share it, and a direct connection. */
export const make = Effect.fnUntraced(function* (
  env: Readonly<Record<string, string>> = {},
  database: typeof TestDatabase.create = TestDatabase.create
) {
  const url = yield* database
  return { sql: yield* connect(url), env: { ...envOf(url), ...env } }
})

/** Like {@link make}, with a fault-injecting proxy in front of the database; `proxiedEnv` connects through it. */
export const behindProxy = Effect.fnUntraced(function* (env: Readonly<Record<string, string>> = {}) {
  const environment = yield* make(env)
  const proxy = yield* TcpProxy.open({ path: inject("postgres") })
  const { pathname } = new URL(environment.env.DATABASE_URL)
  const proxiedEnv = {
    ...environment.env,
    DATABASE_URL: `postgres://effex@127.0.0.1:${proxy.port}${pathname}?sslmode=disable`
  }
  return { ...environment, proxy, proxiedEnv }
})
