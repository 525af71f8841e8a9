import { PgClient } from "@effect/sql-pg"
import { inject } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import * as TcpProxy from "./TcpProxy.ts"
import * as TestConversions from "./TestConversions.ts"
import * as TestDatabase from "./TestDatabase.ts"

/** An environment for nodes that share a database. */
export const envOf = (url: string) => ({
  DATABASE_URL: url,
  AUDIT_SIGNING_KEY: TestConversions.SIGNING_KEY
})

/** A connection to a database that goes past all nodes. */
export const connect = (url: string) => PgClient.makeClient({ url: Redacted.make(url) })

/** An environment for nodes that share a new database, and a connection to it that goes past all of them. */
export const make = Effect.fnUntraced(function* (
  env: Readonly<Record<string, string>> = {},
  database: typeof TestDatabase.create = TestDatabase.create
) {
  const url = yield* database
  return { sql: yield* connect(url), env: { ...envOf(url), ...env } }
})

/** As {@link make}, with a door that stands between the nodes and the database. */
export const behindDoor = Effect.fnUntraced(function* (env: Readonly<Record<string, string>> = {}) {
  const site = yield* make(env)
  const door = yield* TcpProxy.open({ path: inject("postgres") })
  const { pathname } = new URL(site.env.DATABASE_URL)
  const through = {
    ...site.env,
    DATABASE_URL: `postgres://effex@127.0.0.1:${door.port}${pathname}?sslmode=disable`
  }
  return { ...site, door, through }
})
