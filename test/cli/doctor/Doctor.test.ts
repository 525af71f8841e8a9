import { PgClient } from "@effect/sql-pg"
import { assert, describe, inject, it } from "@effect/vitest"
import { Effect, Redacted, Schema } from "effect"
import { Reactivity } from "effect/reactivity"
import { PROTECTED } from "../../../src/cli/doctor/SchemaCheck.ts"
import * as Effex from "../../support/Effex.ts"
import * as TcpProxy from "../../support/TcpProxy.ts"
import * as TestDatabase from "../../support/TestDatabase.ts"
import * as TestRedis from "../../support/TestRedis.ts"

const Report = Schema.fromJsonString(
  Schema.Struct({
    ok: Schema.Boolean,
    checks: Schema.Array(
      Schema.Struct({
        check: Schema.String,
        status: Schema.Literals(["ok", "warning", "failed"]),
        found: Schema.String,
        advice: Schema.NullOr(Schema.String)
      })
    )
  })
)

/** What the doctor says, by check and in the order of it. */
const examined = Effect.fnUntraced(function* (env: Readonly<Record<string, string>>) {
  const doctor = yield* Effex.run(["doctor", "--json"], { PORT: "0", ...env })
  const code = yield* doctor.ended
  const [line = ""] = doctor.output().match(/^\{.*\}$/m) ?? assert.fail(doctor.output())
  const report = yield* Schema.decodeEffect(Report)(line)
  assert.strictEqual(code, report.ok ? 0 : 1)
  assert.strictEqual(report.ok, !report.checks.some(({ status }) => status === "failed"))
  for (const { advice, status } of report.checks) assert.strictEqual(advice === null, status === "ok")
  const told = (check: string) => report.checks.filter((one) => one.check === check)
  return { output: doctor.output(), told, checks: report.checks }
})

const migrated = Effect.fnUntraced(function* (env: Readonly<Record<string, string>>) {
  const migrate = yield* Effex.run(["migrate"], env)
  assert.strictEqual(yield* migrate.ended, 0, migrate.output())
  return yield* PgClient.makeClient({ url: Redacted.make(env["DATABASE_URL"] ?? "") })
})

const live = (name: string, body: Effect.Effect<void, unknown, Reactivity.Reactivity | Scope>) =>
  it.live(name, () => body.pipe(Effect.scoped, Effect.provide(Reactivity.layer)), 120_000)

type Scope = Effect.Services<typeof TestDatabase.create>

describe("effex doctor", () => {
  live(
    "finds nothing wrong where nothing is",
    Effect.gen(function* () {
      const { env } = yield* Effex.makeSandbox(TestRedis.isAvailable ? TestRedis.envOf(6) : {})
      const poll = yield* Effex.run(["poll", "--once"], env)
      assert.strictEqual(yield* poll.ended, 0, poll.output())
      const { checks } = yield* examined(env)
      assert.deepStrictEqual(
        checks.filter(({ status }) => status !== "ok").map(({ check, found }) => `${check}: ${found}`),
        ["durability: fsync is off: a crash may lose conversions that were answered"]
      )
      assert.deepStrictEqual(
        checks.map(({ check }) => check),
        [
          "settings",
          "database",
          "database clock",
          "durability",
          "privileges",
          "migrations",
          "protection",
          "partitions",
          "rates",
          "audit",
          "redis",
          "provider flutterwave",
          "flutterwave clock",
          "port"
        ]
      )
    })
  )

  live(
    "tells of a database that is down, or swallows everything, and goes on",
    Effect.gen(function* () {
      const down = yield* examined({
        DATABASE_URL: "postgres://effex:hunter2-secret@127.0.0.1:1/effex",
        FLUTTERWAVE_SECRET_KEY: "FLWSECK-planted-secret",
        FLUTTERWAVE_BASE_URL: "http://127.0.0.1:1"
      })
      const [database] = down.told("database")
      assert.strictEqual(database?.status, "failed")
      assert.include(database?.found, "ECONNREFUSED")
      const [provider] = down.told("provider flutterwave")
      assert.strictEqual(provider?.status, "failed")
      assert.strictEqual(provider?.found, "Unreachable: no answer (ECONNREFUSED)")
      assert.strictEqual(down.told("port")[0]?.status, "ok")
      assert.notMatch(down.output, /hunter2-secret|planted/)

      const unreadable = yield* examined({ DATABASE_URL: "postgres://effex:hunter2-secret%zz@127.0.0.1:1/x" })
      assert.include(unreadable.told("database")[0]?.found, "percent-encoding")
      assert.notInclude(unreadable.output, "hunter2")

      const door = yield* TcpProxy.open({ path: inject("postgres") })
      door.blackhole()
      const silent = yield* examined({
        DATABASE_URL: `postgres://effex@127.0.0.1:${door.port}/x?sslmode=disable`
      })
      assert.strictEqual(silent.told("database")[0]?.status, "failed")
    })
  )

  live(
    "tells of a Redis that is down",
    Effect.gen(function* () {
      const { env } = yield* Effex.makeSandbox({ REDIS_URL: "redis://:hunter2-secret@127.0.0.1:1" })
      const { output, told } = yield* examined(env)
      assert.strictEqual(told("redis")[0]?.status, "failed")
      assert.strictEqual(told("database")[0]?.status, "ok")
      assert.notInclude(output, "hunter2")
    })
  )

  live(
    "names every wrong setting, and looks at what the others lead to",
    Effect.gen(function* () {
      const { env } = yield* Effex.makeSandbox({
        POLL_INTERVAL: "often",
        REDIS_URL: "http://hunter2-secret@x",
        CONVERSION_MARGIN: "2",
        OTEL_EXPORTER_OTLP_ENDPOINT: "collector:hunter2-secret",
        OTEL_TRACES_SAMPLER: "some"
      })
      const { output, told } = yield* examined(env)
      assert.deepStrictEqual(
        told("settings").map(({ found, status }) => [status, found]),
        [
          ["failed", "REDIS_URL: found <redacted>"],
          ["failed", 'POLL_INTERVAL: found "often"'],
          ["failed", 'CONVERSION_MARGIN: found "2"'],
          ["failed", "OTEL_EXPORTER_OTLP_ENDPOINT: found <redacted>"],
          ["failed", 'OTEL_TRACES_SAMPLER: found "some"']
        ]
      )
      assert.strictEqual(told("redis")[0]?.found, "not looked at, since REDIS_URL is wrong")
      assert.strictEqual(told("database")[0]?.status, "ok")
      assert.notInclude(output, "hunter2")
    })
  )

  live(
    "tells of migrations that are missing, unknown or passed over, and applies none",
    Effect.gen(function* () {
      const { env } = yield* Effex.makeSandbox({ DATABASE_URL: yield* TestDatabase.createEmpty })
      const [empty] = (yield* examined(env)).told("migrations")
      assert.strictEqual(empty?.status, "warning")
      assert.match(empty?.found ?? "", /^0001_exchange_rate, .*0012_seal_hash is not applied$/)
      const sql = yield* migrated(env)
      yield* sql`INSERT INTO effex_migrations (migration_id, name) VALUES (9999, 'of_tomorrow')`
      yield* sql`DELETE FROM effex_migrations WHERE migration_id = 2`
      const { told } = yield* examined(env)
      assert.deepStrictEqual(
        told("migrations").map(({ found, status }) => [status, found]),
        [
          ["failed", "the database has 9999_of_tomorrow, which this effex does not know"],
          ["failed", "0002_poll_run was passed over, and will not be applied any more"]
        ]
      )
    })
  )

  live(
    "tells of triggers that are disabled, of partitions too, and of months without one",
    Effect.gen(function* () {
      const { env } = yield* Effex.makeSandbox({})
      const sql = yield* migrated(env)
      const guarded = yield* sql<{ name: string }>`
        SELECT DISTINCT relname AS name FROM pg_class JOIN pg_trigger ON tgrelid = pg_class.oid
        WHERE NOT tgisinternal AND NOT relispartition ORDER BY relname`
      assert.deepStrictEqual(
        guarded.map(({ name }) => name),
        Object.keys(PROTECTED).toSorted()
      )
      const month = new Date(Date.now()).toISOString().slice(0, 7).replace("-", "_")
      yield* sql`ALTER TABLE ${sql(`conversion_audit_${month}`)} DISABLE TRIGGER immutable`
      yield* sql`ALTER TABLE setting_change ENABLE TRIGGER immutable`
      yield* sql`ALTER TABLE ${sql(`exchange_rate_${month}`)} RENAME TO exchange_rate_lost`
      const { told } = yield* examined(env)
      const [protection] = told("protection")
      assert.strictEqual(protection?.status, "failed")
      assert.strictEqual(
        protection?.found,
        `a trigger is missing or disabled, and rows can be changed, of conversion_audit_${month}, setting_change`
      )
      assert.include(told("partitions")[0]?.found, `missing: exchange_rate_${month};`)
    })
  )

  live(
    "knows a server of its own on the port, and a stranger",
    Effect.gen(function* () {
      const { env } = yield* Effex.makeSandbox({})
      const server = yield* Effex.serve(env)
      const { port } = new URL(server.url)
      const [own] = (yield* examined({ ...env, PORT: port })).told("port")
      assert.strictEqual(own?.found, `effex listens on 127.0.0.1:${port} already`)
      const stranger = yield* TcpProxy.open({ path: inject("postgres") })
      const [other] = (yield* examined({ ...env, PORT: String(stranger.port) })).told("port")
      assert.strictEqual(other?.status, "failed")
    })
  )

  live(
    "says in words what it found, makes no database, and warns of what is made up",
    Effect.gen(function* () {
      const doctor = yield* Effex.run(["doctor"], {
        PORT: "0",
        NODE_ENV: "production",
        ALLOW_EMBEDDED: "true",
        DATA_DIR: "/nonexistent/effex"
      })
      assert.strictEqual(yield* doctor.ended, 0, doctor.output())
      assert.include(doctor.output(), "ok       settings: all can be used\n")
      assert.include(
        doctor.output(),
        "warning  database: there is none under /nonexistent/effex yet\n         → The first start makes it"
      )
      assert.match(doctor.output(), /warning {2}production: it runs on the sandbox/)
    })
  )
})
