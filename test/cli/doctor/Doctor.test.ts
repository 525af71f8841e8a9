import { PgClient } from "@effect/sql-pg"
import { assert, describe, inject, it } from "@effect/vitest"
import { Effect, Redacted, Schema } from "effect"
import { Reactivity } from "effect/reactivity"
import { IMMUTABILITY_TRIGGERS } from "../../../src/cli/doctor/SchemaCheck.ts"
import * as Effex from "../../support/Effex.ts"
import * as EffexCommand from "../../support/EffexCommand.ts"
import * as ScriptedServer from "../../support/ScriptedServer.ts"
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

/** Runs `effex doctor --json` and returns the results in their order. */
const diagnose = Effect.fnUntraced(function* (env: Readonly<Record<string, string>>) {
  const { code, output } = yield* EffexCommand.exec(["doctor", "--json"], { PORT: "0", ...env })
  const [line = ""] = output.match(/^\{.*\}$/m) ?? assert.fail(output)
  const report = yield* Schema.decodeEffect(Report)(line)
  assert.strictEqual(code, report.ok ? 0 : 1)
  assert.strictEqual(report.ok, !report.checks.some(({ status }) => status === "failed"))
  for (const { advice, status } of report.checks) assert.strictEqual(advice === null, status === "ok")
  const resultsOf = (check: string) => report.checks.filter((result) => result.check === check)
  return { output, resultsOf, checks: report.checks }
})

const migrate = Effect.fnUntraced(function* (env: Readonly<Record<string, string>>) {
  const { code, output } = yield* EffexCommand.exec(["migrate"], env)
  assert.strictEqual(code, 0, output)
  return yield* PgClient.makeClient({ url: Redacted.make(env["DATABASE_URL"] ?? "") })
})

const live = (name: string, body: Effect.Effect<void, unknown, Reactivity.Reactivity | Scope>) =>
  it.live(name, () => body.pipe(Effect.scoped, Effect.provide(Reactivity.layer)), 120_000)

type Scope = Effect.Services<typeof TestDatabase.create>

describe("effex doctor", { concurrent: true }, () => {
  live(
    "passes every check of a working installation",
    Effect.gen(function* () {
      const { env } = yield* Effex.makeSandbox({
        POLL_SPACING: "0 millis",
        ...(TestRedis.isAvailable ? TestRedis.envOf(6) : {})
      })
      const poll = yield* EffexCommand.exec(["poll", "--once"], env)
      assert.strictEqual(poll.code, 0, poll.output)
      const { checks } = yield* diagnose(env)
      assert.deepStrictEqual(
        checks.filter(({ status }) => status !== "ok").map(({ check, found }) => `${check}: ${found}`),
        ["durability: fsync is off: a crash can lose committed conversions"]
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
          "ledger",
          "funding",
          "replica",
          "redis",
          "provider flutterwave",
          "flutterwave clock",
          "exchange",
          "port"
        ]
      )
    })
  )

  live(
    "reports an unreachable and an unresponsive database, and continues with the other checks",
    Effect.gen(function* () {
      const down = yield* diagnose({
        DATABASE_URL: "postgres://effex:hunter2-secret@127.0.0.1:1/effex",
        FLUTTERWAVE_SECRET_KEY: "FLWSECK-planted-secret",
        FLUTTERWAVE_BASE_URL: "http://127.0.0.1:1"
      })
      const [database] = down.resultsOf("database")
      assert.strictEqual(database?.status, "failed")
      assert.include(database?.found, "ECONNREFUSED")
      const [provider] = down.resultsOf("provider flutterwave")
      assert.strictEqual(provider?.status, "failed")
      assert.strictEqual(provider?.found, "Unreachable: no response (ECONNREFUSED)")
      assert.strictEqual(down.resultsOf("port")[0]?.status, "ok")
      assert.notMatch(down.output, /hunter2-secret|planted/)

      const unreadable = yield* diagnose({ DATABASE_URL: "postgres://effex:hunter2-secret%zz@127.0.0.1:1/x" })
      assert.include(unreadable.resultsOf("database")[0]?.found, "percent-encoding")
      assert.notInclude(unreadable.output, "hunter2")

      const proxy = yield* TcpProxy.open({ path: inject("postgres") })
      proxy.blackhole()
      const unresponsive = yield* diagnose({
        DATABASE_URL: `postgres://effex@127.0.0.1:${proxy.port}/x?sslmode=disable`
      })
      assert.strictEqual(unresponsive.resultsOf("database")[0]?.status, "failed")
    })
  )

  live(
    "checks that the exchange accepts the credentials and orders of the account",
    Effect.gen(function* () {
      const account = {
        status: "ACTIVE",
        buying_power: "250.5",
        trading_blocked: false,
        account_blocked: false
      }
      const check = Effect.fnUntraced(function* (answer: ScriptedServer.Respond) {
        const server = yield* ScriptedServer.listen(answer)
        const { output, resultsOf } = yield* diagnose({
          DATA_DIR: "/nonexistent",
          PRICE_PROVIDERS: "off",
          ALPACA_KEY_ID: "PKPLANTED0123456789",
          ALPACA_SECRET_KEY: "planted-secret-0123456789",
          ALPACA_BASE_URL: server.url
        })
        assert.notMatch(output, /planted/i)
        const [result] = resultsOf("exchange")
        return [result?.status, result?.found]
      })
      const [trading, blocked, unauthorized, other] = yield* Effect.all(
        [
          check(ScriptedServer.json(200, account)),
          check(ScriptedServer.json(200, { ...account, trading_blocked: true })),
          check(ScriptedServer.json(401, { message: "unauthorized: planted-secret-0123456789" })),
          check(ScriptedServer.json(200, { welcome: true }))
        ],
        { concurrency: 2 }
      )
      assert.strictEqual(trading?.[0], "ok")
      assert.match(
        trading?.[1] ?? "",
        /^alpaca trades with the money of 127\.0\.0\.1:\d+, which is not an address of Alpaca; 250\.5 US dollars can be spent$/
      )
      assert.deepStrictEqual(blocked, ["failed", "alpaca accepts no orders: trading is blocked"])
      assert.deepStrictEqual(unauthorized, [
        "failed",
        "alpaca: unauthorized (status 401: unauthorized: <redacted>)"
      ])
      assert.strictEqual(other?.[0], "failed")
    })
  )

  live(
    "reports an unreachable Redis",
    Effect.gen(function* () {
      const { env } = yield* Effex.makeSandbox({ REDIS_URL: "redis://:hunter2-secret@127.0.0.1:1" })
      const { output, resultsOf } = yield* diagnose(env)
      const [redis] = resultsOf("redis")
      assert.deepStrictEqual(
        [redis?.status, redis?.found],
        ["failed", "no response: connect ECONNREFUSED 127.0.0.1:1"]
      )
      assert.strictEqual(resultsOf("database")[0]?.status, "ok")
      assert.notInclude(output, "hunter2")
    })
  )

  live(
    "reports every invalid setting and runs the checks that do not depend on one",
    Effect.gen(function* () {
      const { env } = yield* Effex.makeSandbox({
        POLL_INTERVAL: "often",
        REDIS_URL: "http://hunter2-secret@x",
        CONVERSION_MARGIN: "2",
        OTEL_EXPORTER_OTLP_ENDPOINT: "collector:hunter2-secret",
        OTEL_TRACES_SAMPLER: "some"
      })
      const { output, resultsOf } = yield* diagnose(env)
      assert.deepStrictEqual(
        resultsOf("settings").map(({ found, status }) => [status, found]),
        [
          ["failed", 'CONVERSION_MARGIN: found "2"'],
          ["failed", "REDIS_URL: found <redacted>"],
          ["failed", 'POLL_INTERVAL: found "often"'],
          ["failed", "OTEL_EXPORTER_OTLP_ENDPOINT: found <redacted>"],
          ["failed", 'OTEL_TRACES_SAMPLER: found "some"']
        ]
      )
      assert.strictEqual(resultsOf("redis")[0]?.found, "not checked, because REDIS_URL is invalid")
      assert.strictEqual(resultsOf("database")[0]?.status, "ok")
      assert.notInclude(output, "hunter2")
    })
  )

  live(
    "reports missing, unknown and skipped migrations, and applies none",
    Effect.gen(function* () {
      const { env } = yield* Effex.makeSandbox({ DATABASE_URL: yield* TestDatabase.createEmpty })
      const [empty] = (yield* diagnose(env)).resultsOf("migrations")
      assert.strictEqual(empty?.status, "warning")
      assert.match(empty?.found ?? "", /^0001_exchange_rate, .*0012_seal_hash, .*\w is not applied$/)
      const sql = yield* migrate(env)
      yield* sql`INSERT INTO effex_migrations (migration_id, name) VALUES (9999, 'of_tomorrow')`
      yield* sql`DELETE FROM effex_migrations WHERE migration_id = 2`
      const { resultsOf } = yield* diagnose(env)
      assert.deepStrictEqual(
        resultsOf("migrations").map(({ found, status }) => [status, found]),
        [
          ["failed", "the database has 9999_of_tomorrow, which this version of effex does not support"],
          ["failed", "0002_poll_run was skipped and will not be applied"]
        ]
      )
    })
  )

  live(
    "reports disabled triggers, also on partitions, and missing partitions",
    Effect.gen(function* () {
      const { env } = yield* Effex.makeSandbox({})
      const sql = yield* migrate(env)
      const tables = yield* sql<{ name: string }>`
        SELECT DISTINCT relname AS name FROM pg_class JOIN pg_trigger ON tgrelid = pg_class.oid
        WHERE NOT tgisinternal AND NOT relispartition ORDER BY relname`
      assert.deepStrictEqual(
        tables.map(({ name }) => name),
        Object.keys(IMMUTABILITY_TRIGGERS).toSorted()
      )
      const month = new Date(Date.now()).toISOString().slice(0, 7).replace("-", "_")
      yield* sql`ALTER TABLE ${sql(`conversion_audit_${month}`)} DISABLE TRIGGER immutable`
      yield* sql`ALTER TABLE setting_change ENABLE TRIGGER immutable`
      yield* sql`ALTER TABLE ${sql(`exchange_rate_${month}`)} RENAME TO exchange_rate_lost`
      const { resultsOf } = yield* diagnose(env)
      const [protection] = resultsOf("protection")
      assert.strictEqual(protection?.status, "failed")
      assert.strictEqual(
        protection?.found,
        `an immutability trigger is missing or disabled on conversion_audit_${month}, setting_change`
      )
      assert.include(resultsOf("partitions")[0]?.found, `missing: exchange_rate_${month};`)
    })
  )

  live(
    "recognizes effex and another program on the port",
    Effect.gen(function* () {
      const { env } = yield* Effex.makeSandbox({})
      const server = yield* EffexCommand.serve(env)
      const { port } = new URL(server.url)
      const [own] = (yield* diagnose({ ...env, PORT: port })).resultsOf("port")
      assert.strictEqual(own?.found, `effex is already listening on 127.0.0.1:${port}`)
      const otherProgram = yield* TcpProxy.open({ path: inject("postgres") })
      const [other] = (yield* diagnose({ ...env, PORT: String(otherProgram.port) })).resultsOf("port")
      assert.strictEqual(other?.status, "failed")
    })
  )

  live(
    "prints results as text, creates no database, and warns about sandbox rates",
    Effect.gen(function* () {
      const doctor = yield* Effex.run(["doctor"], {
        PORT: "0",
        NODE_ENV: "production",
        ALLOW_EMBEDDED: "true",
        DATA_DIR: "/nonexistent/effex"
      })
      assert.strictEqual(yield* doctor.ended, 0, doctor.output())
      assert.include(doctor.output(), "ok       settings: all are valid\n")
      assert.include(
        doctor.output(),
        "warning  database: no database exists under /nonexistent/effex yet\n         → The first start creates it"
      )
      assert.match(doctor.output(), /warning {2}production: it runs on sandbox rates/)
    })
  )
})
