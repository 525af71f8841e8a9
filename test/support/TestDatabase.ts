import { PgClient } from "@effect/sql-pg"
import { randomUUID } from "node:crypto"
import { Effect, Layer } from "effect"
import { Reactivity } from "effect/reactivity"
import { inject } from "@effect/vitest"
import { Database } from "../../src/platform/postgres/Database.ts"
import * as TestSettings from "./TestSettings.ts"

const connection = { path: inject("postgres"), username: "effex" }

/** A new, empty database of the run's PostgreSQL, dropped with the scope. Returns its URL. */
export const create = Effect.gen(function* () {
  const admin = yield* PgClient.makeClient({ ...connection, database: "postgres" })
  // Nothing that waits for it can be interrupted, and the clocks of tests stand still.
  yield* admin`SET statement_timeout = '20s'`
  const name = `test_${randomUUID().replaceAll("-", "")}`
  yield* Effect.acquireRelease(admin`CREATE DATABASE ${admin(name)}`, () =>
    Effect.ignore(admin`DROP DATABASE ${admin(name)} WITH (FORCE)`)
  )
  const folder = connection.path.slice(0, connection.path.lastIndexOf("/"))
  return `postgres:///${name}?user=effex&host=${encodeURIComponent(folder)}`
}).pipe(Effect.provide(Reactivity.layer))

/** A migrated database of the test's own, and the settings that lead to it. */
export const layer = (env: Readonly<Record<string, string>> = {}) =>
  Layer.unwrap(
    Effect.map(create, (url) =>
      Layer.provideMerge(Database.layer, TestSettings.layer({ ...env, DATABASE_URL: url }))
    )
  )
