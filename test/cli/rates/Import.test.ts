import { NodeServices } from "@effect/platform-node"
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { execFile, execFileSync } from "node:child_process"
import { DateTime, Effect, FileSystem, Redacted, type Scope } from "effect"
import { Reactivity } from "effect/reactivity"
import * as Effex from "../../support/Effex.ts"
import * as EffexCommand from "../../support/EffexCommand.ts"
import * as TestDatabase from "../../support/TestDatabase.ts"

const HEADER = "from,to,rate,observed_at,provider"

/** Creates an empty database and a folder for files. */
const start = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const folder = yield* fs.makeTempDirectoryScoped()
  const url = yield* TestDatabase.create
  const sql = yield* PgClient.makeClient({ url: Redacted.make(url) })
  const env = { DATABASE_URL: url, LOG_LEVEL: "warn" }
  return {
    env,
    sql,
    path: (name: string) => `${folder}/${name}`,
    read: (name: string) => fs.readFileString(`${folder}/${name}`),
    write: (name: string, lines: ReadonlyArray<string>) =>
      Effect.as(fs.writeFileString(`${folder}/${name}`, lines.join("\r\n")), `${folder}/${name}`),
    /** Runs `effex import`. */
    run: (...args: ReadonlyArray<string>) => EffexCommand.exec(["import", ...args], env),
    count: Effect.map(
      sql<{ count: bigint }>`SELECT count(*) FROM exchange_rate`,
      ([row]) => row?.count ?? assert.fail()
    )
  }
})

const provided = <A, E>(
  test: Effect.Effect<A, E, FileSystem.FileSystem | Reactivity.Reactivity | Scope.Scope>
) => test.pipe(Effect.scoped, Effect.provide([NodeServices.layer, Reactivity.layer]))

describe("effex import", { timeout: 300_000 }, () => {
  it.live(
    "stores nothing from a file with three invalid lines, and the valid lines once with --skip-bad",
    () =>
      provided(
        Effect.gen(function* () {
          const { count, path, read, run, write } = yield* start
          const file = yield* write("rates.csv", [
            HEADER,
            "USD,NGN,1500,2024-01-15T09:30:00Z,",
            "USD,NGN,-3,2024-01-16,",
            "EUR,NGN,1700,2024-01-16,cbn",
            "EUR,ABC,1700,2024-01-16,cbn",
            "EUR,NGN,1701,2024-01-16,cbn"
          ])
          const rejected = yield* run(file)
          assert.strictEqual(rejected.code, 1)
          assert.match(rejected.output, /^line 3: rate: found "-3", allowed: a positive decimal/m)
          assert.match(rejected.output, /^line 5: to: found "ABC", allowed: an ISO 4217 code/m)
          assert.match(
            rejected.output,
            /^line 6: rate: found "1701", allowed: "1700", as in line 4 for the same pair and time/m
          )
          assert.match(rejected.output, /^5 lines: nothing stored, 3 invalid$/m)
          assert.match(rejected.output, /^3 lines are invalid and nothing was stored/m)
          assert.strictEqual(yield* count, 0n)

          const skipped = yield* run(file, "--skip-bad", "--report", path("bad.csv"))
          assert.strictEqual(skipped.code, 0)
          assert.match(skipped.output, /^5 lines: 2 stored, 0 already stored, 3 invalid$/m)
          assert.strictEqual(yield* count, 2n)
          const report = (yield* read("bad.csv")).split("\r\n")
          assert.strictEqual(report[0], "line,column,found,allowed")
          assert.deepStrictEqual(
            report.map((line) => line.slice(0, 6)),
            ["line,c", "3,rate", '5,to,"', "6,rate", ""]
          )

          const again = yield* run(file, "--skip-bad")
          assert.match(again.output, /^5 lines: 0 stored, 2 already stored, 3 invalid$/m)
          assert.strictEqual(yield* count, 2n)
        })
      )
  )

  it.live("prints 100 invalid lines and counts the others", () =>
    provided(
      Effect.gen(function* () {
        const { run, write } = yield* start
        const lines = Array.from({ length: 1234 }, () => "USD,NGN,0,2024-01-15,")
        const { output } = yield* run(yield* write("rates.csv", [HEADER, ...lines]))
        assert.strictEqual(output.match(/^line \d+: rate/gm)?.length, 100)
        assert.match(output, /^and 1 134 more$/m)
        assert.match(output, /^1 234 lines: nothing stored, 1 234 invalid$/m)
      })
    )
  )

  it.live("imports a history export with --pair", () =>
    provided(
      Effect.gen(function* () {
        const { run, write } = yield* start
        const file = yield* write("history.csv", [
          "fetched_at,recorded_at,rate,rate_id,provider,derived_from",
          "2024-01-15T09:30:00.000Z,2024-01-15T09:30:01.000Z,1500,018d0b8a-2b40-7000-8000-000000000000,fixer,"
        ])
        assert.match(
          (yield* run(file)).output,
          /^history.csv cannot be imported: line 1: header: .* allowed: a header with the column from$/m
        )
        const { code, output } = yield* run(file, "--pair", "usd:NGN")
        assert.match(output, /^1 line: 1 stored, 0 already stored$/m)
        assert.strictEqual(code, 0)
      })
    )
  )

  it.live("imports the last recorded rate of each time in an export", () =>
    provided(
      Effect.gen(function* () {
        const { count, run, write } = yield* start
        const rows = [
          "2024-01-15T09:30:00.000Z,2024-01-15T09:30:01.000Z,1500,fixer",
          "2024-01-15T09:30:00.000Z,2024-01-17T00:00:00.000Z,1510,fixer",
          "2024-01-15T09:30:00.000Z,2024-01-16T00:00:00.000Z,1505,fixer",
          "2024-01-15T09:30:00.000Z,,1505,fixer"
        ]
        const file = yield* write("bad.csv", ["fetched_at,recorded_at,rate,provider", ...rows])
        const { output } = yield* run(file, "--pair", "USD:NGN")
        assert.match(
          output,
          /^line 5: rate: found "1505", allowed: "1510", as in line 3 for the same pair and time/m
        )
        const good = yield* write("good.csv", ["fetched_at,recorded_at,rate,provider", ...rows.slice(0, 3)])
        assert.match((yield* run(good, "--pair", "USD:NGN")).output, /^3 lines: 1 stored, 2 already stored$/m)
        assert.match((yield* run(good, "--pair", "USD:NGN")).output, /^3 lines: 0 stored, 3 already stored$/m)
        assert.strictEqual(yield* count, 1n)
      })
    )
  )

  it.live("imports from a pipe", () =>
    provided(
      Effect.gen(function* () {
        const { count, path, run, write } = yield* start
        const lines = Array.from(
          { length: 900 },
          (_, n) => `USD,NGN,${n + 1000},2024-01-15T09:30:00.${n + 100}Z,`
        )
        const file = yield* write("rates.csv", [HEADER, ...lines])
        execFileSync("mkfifo", [path("pipe")])
        const writer = execFile("cp", [file, path("pipe")])
        const { output } = yield* run(path("pipe"))
        assert.match(output, /^900 lines: 900 stored, 0 already stored$/m)
        assert.strictEqual(yield* count, 900n)
        assert.strictEqual(writer.exitCode, 0)
      })
    )
  )

  it.live("rejects a report path that is the imported file", () =>
    provided(
      Effect.gen(function* () {
        const { count, path, read, run, write } = yield* start
        const file = yield* write("rates.csv", [HEADER, "USD,NGN,1500,2024-01-15T09:30:00Z,"])
        const before = yield* read("rates.csv")
        const { code, output } = yield* run(file, "--report", path("./rates.csv"))
        assert.strictEqual(code, 1)
        assert.include(output, "--report must not be the imported file")
        assert.strictEqual(yield* read("rates.csv"), before)
        assert.strictEqual(yield* count, 0n)
      })
    )
  )

  it.live("rejects invalid arguments with exit code 1", () =>
    provided(
      Effect.gen(function* () {
        const { run } = yield* start
        const cases: ReadonlyArray<readonly [args: ReadonlyArray<string>, message: string]> = [
          [["rates.csv", "--provider", "No Good"], "allowed: 1 to 40 lower case letters"],
          [["rates.csv", "--pair", "USD:USD"], 'pair: found "USD:USD"'],
          [["--frankfurter", "--start", "2024-02-30"], '--start: found "2024-02-30"']
        ]
        for (const [args, message] of cases) {
          const { code, output } = yield* run(...args)
          assert.strictEqual(code, 1, output)
          assert.include(output, message)
        }
      })
    )
  )

  it.live("stores nothing if it is killed, and everything on the next run", () =>
    provided(
      Effect.gen(function* () {
        const { count, env, run, sql, write } = yield* start
        const lines = Array.from({ length: 10_000 }, (_, n) => {
          const at = DateTime.formatIso(DateTime.makeUnsafe(Date.UTC(2020, 0, 1) + n * 60_000))
          return `USD,NGN,${(n + 100_000) / 100},${at},`
        })
        const file = yield* write("rates.csv", [HEADER, ...lines])
        // The last rate waits for a lock of this test, so that the import cannot end before it is killed.
        yield* sql`CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS
          'BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NULL; END'`
        yield* sql`CREATE TRIGGER wait AFTER INSERT ON exchange_rate FOR EACH ROW
          WHEN (NEW.rate = 1099.99) EXECUTE FUNCTION wait()`
        yield* Effect.gen(function* () {
          yield* sql`SELECT pg_advisory_xact_lock(1)`
          const killed = yield* Effex.run(["import", file], env)
          yield* killed.written(/^storing 50 %$/m)
          killed.process.kill("SIGKILL")
          assert.strictEqual(yield* killed.ended, "SIGKILL")
        }).pipe(sql.withTransaction)
        assert.strictEqual(yield* count, 0n)

        // PostgreSQL may need a moment to notice the disconnect.
        const next = yield* run(file).pipe(
          Effect.repeat({ until: ({ output }) => !output.includes("Another import is in progress") })
        )
        assert.match(next.output, /^10 000 lines: 10 000 stored, 0 already stored$/m)
        assert.strictEqual(yield* count, 10_000n)
      })
    )
  )

  it.live("names rates that do not fit, and stores them only with --accept-outliers", () =>
    provided(
      Effect.gen(function* () {
        const { count, path, read, run, write } = yield* start
        const days = (rates: ReadonlyArray<string>) => [
          HEADER,
          ...rates.map((rate, n) => `USD,NGN,${rate},2026-01-0${n + 1},`)
        ]
        const file = yield* write("rates.csv", days(["1500", "1501", "1.502", "1503"]))
        const line =
          'line 4: rate: found "1.502", allowed: 1074 to 2101 (it may mean 1502) for USD:NGN at 2026-01-03T00:00:00.000Z'
        for (const args of [[], ["--dry-run"]]) {
          const { code, output } = yield* run(file, ...args)
          assert.strictEqual(code, 1)
          assert.include(output, `${line}\n4 lines: nothing stored, 1 outlier refused\n`)
          assert.include(
            output,
            "1 line does not fit the rates around it and nothing was stored; fix the file, or store the other lines with --skip-bad, or store those that do not fit too with --accept-outliers"
          )
        }
        assert.strictEqual(yield* count, 0n)
        const skipped = yield* run(file, "--skip-bad", "--report", path("bad.csv"))
        assert.match(skipped.output, /^4 lines: 3 stored, 0 already stored, 1 outlier refused$/m)
        assert.include(yield* read("bad.csv"), "4,rate,")
        const accepted = yield* run(file, "--accept-outliers")
        assert.strictEqual(accepted.code, 0)
        assert.include(accepted.output, `${line}\n4 lines: 1 stored, 3 already stored, 1 outlier accepted\n`)
        assert.strictEqual(yield* count, 4n)

        const inverted = yield* write("inverted.csv", days(["0.000666", "0.000665", "0.000667"]))
        assert.match(
          (yield* run(inverted)).output,
          /^line 2: rate: found "0.000666", .* \(it looks inverted\) .*\n.*\n.*\n3 lines: nothing stored, 3 outliers refused$/m
        )
      })
    )
  )

  it.live("is history in a running server, and the rate in force only with --in-force", () =>
    provided(
      Effect.gen(function* () {
        const { env, run, write } = yield* start
        const server = yield* EffexCommand.serve({ ...env, LOG_LEVEL: "info", POLL_INTERVAL: "off" })
        const fetchRate = (path: string) =>
          Effect.map(Effex.get(server.url, `/api/v1/rates${path}from=USD&to=NGN`), ({ body }) => {
            const { provider, rate }: { provider: string; rate: string } = JSON.parse(body)
            return `${rate} ${provider}`
          })
        const sandbox = yield* fetchRate("?")
        assert.match(sandbox, / sandbox$/)
        const rows = (rate: string, at: DateTime.Utc) => [
          HEADER,
          `USD,NGN,${rate},${DateTime.formatIso(at)},cbn`,
          "USD,NGN,360.5,2020-01-01,cbn"
        ]
        const first = yield* DateTime.now
        const history = yield* write("history.csv", rows("1500.5", first))
        assert.strictEqual((yield* run(history)).code, 0)
        assert.strictEqual(yield* fetchRate(`/as-of?at=${DateTime.formatIso(first)}&`), "1500.5 cbn")
        assert.strictEqual(yield* fetchRate("/as-of?at=2020-01-01T12:00:00Z&"), "360.5 cbn")
        assert.strictEqual(yield* fetchRate("?"), sandbox)

        const latest = yield* write("latest.csv", rows("1501.5", yield* DateTime.now))
        assert.strictEqual((yield* run(latest, "--in-force")).code, 0)
        const updated = yield* fetchRate("?").pipe(
          Effect.delay("50 millis"),
          Effect.repeat({ until: (text) => text !== sandbox })
        )
        assert.strictEqual(updated, "1501.5 cbn")
      })
    )
  )

  it.live("stores the daily rates of Frankfurter for every supported pair once", () =>
    provided(
      Effect.gen(function* () {
        const { count, env } = yield* start
        const { sandbox } = yield* Effex.makeSandbox({})
        const run = (...args: ReadonlyArray<string>) =>
          EffexCommand.exec(["import", "--frankfurter", ...args], {
            ...env,
            FRANKFURTER_BASE_URL: `${sandbox.baseUrl}/frankfurter`
          })
        const period = ["--start", "2023-12-30", "--end", "2024-01-05"]
        const first = yield* run(...period)
        assert.strictEqual(first.code, 0, first.output)
        // Five working days of 44 pairs, and the dollar rates of three sources from which the others are derived.
        assert.match(first.output, /^220 rates: 220 stored, 0 already stored$/m)
        assert.strictEqual(yield* count, 235n)
        yield* sandbox.injectFault({ provider: "frankfurter", fault: "500" })
        const failed = yield* run(...period)
        assert.strictEqual(failed.code, 1)
        assert.match(
          failed.output,
          /^Frankfurter returned no rates for 2023-12-30 to 2023-12-31: request failed with status 500 /m
        )
      })
    )
  )
})
