import { PgClient } from "@effect/sql-pg"
import { randomUUID } from "node:crypto"
import { Effect, Layer } from "effect"
import { SecureRandom } from "effect/crypto"
import { Reactivity } from "effect/reactivity"
import { inject } from "@effect/vitest"
import { Database } from "../../src/platform/postgres/Database.ts"
import * as PostgresUrl from "./PostgresUrl.ts"
import * as TestSettings from "./TestSettings.ts"

const socket = inject("postgres")

const createFrom = (template: string) =>
  Effect.gen(function* () {
    const admin = yield* PgClient.makeClient({ path: socket, username: "effex", database: "postgres" })
    // A timeout on the server, because the clock of a test does not advance by itself.
    yield* admin`SET statement_timeout = '100s'`
    const name = `test_${randomUUID().replaceAll("-", "")}`
    yield* Effect.acquireRelease(admin`CREATE DATABASE ${admin(name)} TEMPLATE ${admin(template)}`, () =>
      Effect.ignore(admin`DROP DATABASE ${admin(name)} WITH (FORCE)`)
    )
    return PostgresUrl.make(socket, name)
  }).pipe(Effect.provide(Reactivity.layer))

/** Clones the migrated template into a new database, dropped with the scope. Returns its URL. */
export const create = createFrom(PostgresUrl.MIGRATED_TEMPLATE)

/** Creates a database without any migration, dropped with the scope. Returns its URL. */
export const createEmpty = createFrom("template1")

/** A migrated database, settings that point to it, and randomness. Share it between the tests of a file with `layer(…)`. */
export const layer = (env: Readonly<Record<string, string>> = {}) =>
  Layer.unwrap(
    Effect.map(create, (url) =>
      Layer.provideMerge(Database.layer, TestSettings.layer({ ...env, DATABASE_URL: url })).pipe(
        Layer.merge(SecureRandom.layerWebCrypto)
      )
    )
  )
