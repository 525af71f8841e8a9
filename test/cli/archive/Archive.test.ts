import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem } from "effect"
import { Reactivity } from "effect/reactivity"
import * as EffexCommand from "../../support/EffexCommand.ts"
import { connect } from "../../support/NodeEnvironment.ts"
import * as TestDatabase from "../../support/TestDatabase.ts"

const MONTH = "exchange_rate_2019_01"

describe("effex archive", () => {
  it.live(
    "lists, exports, verifies, detaches and drops a month, and refuses to restore a changed archive",
    () =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const folder = yield* fs.makeTempDirectoryScoped()
        const url = yield* TestDatabase.create
        const sql = yield* connect(url)
        const archive = (...args: ReadonlyArray<string>) =>
          EffexCommand.exec(["archive", ...args], { DATABASE_URL: url, LOG_LEVEL: "error" })
        yield* sql`SELECT ensure_monthly_partitions('exchange_rate', '2019-01-01T00:00:00Z', 1)`
        yield* sql`
        INSERT INTO exchange_rate (id, source_currency, destination_currency, rate, source_amount, destination_amount,
          provider, provider_rate, raw, observed_at, recorded_at)
        VALUES (uuidv7_floor('2019-01-02T00:00:00Z'), 'USD', 'NGN', 360.5, 1, 360.5, 'archive', '360.5', '{}',
          '2019-01-02T00:00:00Z', '2019-01-02T00:00:00Z')`

        const exported = yield* archive("export", MONTH, "--to", folder, "--json")
        assert.strictEqual(exported.code, 0, exported.output)
        assert.deepInclude(exported.json, { format: "effex-archive-1", partition: MONTH })
        assert.match((yield* archive("verify", folder)).stdout, /exchange_rate_2019_01 +1 +[0-9a-f]{64}/)
        assert.match((yield* archive("list")).stdout, /exchange_rate_2019_01 +2019-01-01 +attached/)
        for (const step of ["detach", "drop"]) {
          const done = yield* archive(step, MONTH, "--from", folder)
          assert.strictEqual(done.code, 0, done.output)
        }
        assert.match((yield* archive("list")).stdout, /exchange_rate_2019_01 +2019-01-01 +dropped +1 +0/)

        const query = ["history", "USD", "NGN", "--start", "2019-01-01", "--end", "2019-02-01"]
        const history = EffexCommand.exec(query, { DATABASE_URL: url, LOG_LEVEL: "error" })
        const refused = yield* history
        assert.strictEqual(refused.code, 1)
        assert.include(refused.output, "Rates before 2019-02-01T00:00:00.000Z are archived")

        yield* fs.writeFileString(`${folder}/${MONTH}.ndjson.gz`, "changed")
        const broken = yield* archive("restore", MONTH, "--from", folder)
        assert.strictEqual(broken.code, 1)
        assert.match(broken.output, /exchange_rate_2019_01.ndjson.gz was changed: its SHA-256 is/)
        assert.strictEqual((yield* archive("verify", folder)).code, 1)
      }).pipe(Effect.scoped, Effect.provide([NodeServices.layer, Reactivity.layer]))
  )
})
