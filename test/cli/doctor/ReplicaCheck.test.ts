import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted, Schedule } from "effect"
import { Reactivity } from "effect/reactivity"
import * as ReplicaCheck from "../../../src/cli/doctor/ReplicaCheck.ts"
import { Database } from "../../../src/platform/postgres/Database.ts"
import * as ReplicatedPostgres from "../../support/ReplicatedPostgres.ts"
import * as TestSettings from "../../support/TestSettings.ts"

const clientOf = (url: string) => PgClient.makeClient({ url: Redacted.make(url) })

const migrate = (url: string) =>
  Layer.build(Layer.provide(Layer.fresh(Database.layer), TestSettings.layer({ DATABASE_URL: url })))

/** Checks a replica. Returns the status and what was found, without versions and times. */
const check = (primary: string, replica: string) =>
  ReplicaCheck.run.pipe(
    Effect.provide(
      TestSettings.layer({
        DATABASE_URL: primary,
        DATABASE_READ_URL: replica,
        DATABASE_READ_MAX_LAG: "3 seconds"
      })
    ),
    Effect.map(([result]) => [
      result?.status,
      result?.found.replace(/^PostgreSQL [^;,]+/, "PostgreSQL").replace(/\d+ ms/, "n ms")
    ])
  )

/** Waits until the replica has replayed the migrations. */
const replayed = (primary: string, replica: string) =>
  Effect.repeat(check(primary, replica), {
    until: ([status]) => status === "ok",
    schedule: Schedule.spaced("50 millis")
  })

describe("ReplicaCheck", () => {
  it.live(
    "accepts a replica that follows the primary, and warns if it is behind",
    () =>
      Effect.gen(function* () {
        const { primary, replica } = yield* ReplicatedPostgres.start([])
        yield* migrate(primary.url)
        const current = ["ok", "PostgreSQL, n ms behind the primary"]
        assert.deepStrictEqual(yield* replayed(primary.url, replica.url), current)

        // A role that does not see the status of the receiver.
        const sql = yield* clientOf(primary.url)
        yield* sql`CREATE ROLE reader LOGIN`
        yield* sql`GRANT SELECT ON database_identity TO reader`
        const reader = Object.assign(new URL(replica.url), { username: "reader" }).href
        assert.deepStrictEqual(yield* replayed(primary.url, reader), current)

        const standby = yield* clientOf(replica.url)
        yield* standby`SELECT pg_wal_replay_pause()`
        yield* sql`CREATE TABLE unseen (n int)`
        assert.deepStrictEqual(yield* check(primary.url, replica.url), [
          "warning",
          "PostgreSQL, more than 3s behind the primary"
        ])
      }).pipe(Effect.scoped, Effect.provide(Reactivity.layer)),
    { timeout: 120_000 }
  )

  it.live(
    "refuses a server that is no replica of the primary, or does not receive its log",
    () =>
      Effect.gen(function* () {
        const { primary, replica } = yield* ReplicatedPostgres.start([])
        yield* migrate(primary.url)
        const unreachable = yield* check(primary.url, "postgres://effex@127.0.0.1:1/effex")
        assert.deepStrictEqual(unreachable, ["failed", "no response: connect ECONNREFUSED 127.0.0.1:1"])
        assert.deepStrictEqual(yield* check(primary.url, primary.url), [
          "failed",
          "PostgreSQL; it is not a standby"
        ])
        const sql = yield* clientOf(primary.url)
        yield* sql`CREATE DATABASE other`
        const otherUrl = (url: string) => Object.assign(new URL(url), { pathname: "/other" }).href
        yield* migrate(otherUrl(primary.url))
        yield* replayed(primary.url, replica.url)
        yield* replayed(otherUrl(primary.url), otherUrl(replica.url))
        assert.deepStrictEqual(yield* check(primary.url, otherUrl(replica.url)), [
          "failed",
          "PostgreSQL; it is not a replica of DATABASE_URL"
        ])
        const standby = yield* clientOf(replica.url)
        yield* standby`ALTER SYSTEM SET primary_conninfo = ''`
        yield* standby`SELECT pg_reload_conf()`
        const cut = yield* Effect.repeat(check(primary.url, replica.url), {
          until: ([status]) => status === "failed",
          schedule: Schedule.spaced("50 millis")
        })
        assert.deepStrictEqual(cut, ["failed", "PostgreSQL; it does not receive the log of a primary"])
      }).pipe(Effect.scoped, Effect.provide(Reactivity.layer)),
    { timeout: 120_000 }
  )
})
