import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { Database } from "../../../src/platform/postgres/Database.ts"
import { assertProblem, get, TestServer } from "../../support/TestServer.ts"

const PAIR = "from=USD&to=NGN"

layer(TestServer.layer({ RATE_SOURCES: "USD", RATE_DESTINATIONS: "NGN" }), { excludeTestServices: true })(
  "The history with archived months",
  (it) => {
    it.effect("refuses times before the first stored month, and begins there without a start", () =>
      Effect.gen(function* () {
        const { execute, sql } = yield* Database
        yield* execute(sql`
          INSERT INTO archived_partition (partition, parent, start_at, until, digest, manifest, principal)
          VALUES ('exchange_rate_2019_01', 'exchange_rate', '2019-01-01T00:00:00Z', '2019-02-01T00:00:00Z',
            ${"0".repeat(64)}, '{}', 'cli:test')`)
        const detail = "must not be before 2019-02-01T00:00:00.000Z; earlier rates are archived"
        for (const query of ["start=2019-01-31T00:00:00Z", "start=2018-01-01T00:00:00Z&interval=1d"]) {
          const refused = yield* get(`/api/v1/rates/history?${PAIR}&${query}`)
          assertProblem(refused, 400, "invalid-request")
          assert.deepStrictEqual(refused.json["errors"], [{ pointer: "/query/start", detail }])
        }
        const early = yield* get(`/api/v1/rates/as-of?${PAIR}&at=2019-01-15T00:00:00Z`)
        assertProblem(early, 400, "invalid-request")
        assert.deepStrictEqual(early.json["errors"], [{ pointer: "/query/at", detail }])
        for (const query of ["", "&start=2019-02-01T00:00:00Z"]) {
          const stored = yield* get(`/api/v1/rates/history?${PAIR}${query}`)
          assert.strictEqual(stored.status, 200)
        }
      })
    )
  }
)
