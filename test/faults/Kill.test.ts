import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Duration, Effect, Redacted } from "effect"
import { Reactivity } from "effect/reactivity"
import * as Effex from "../support/Effex.ts"
import * as Integrity from "../support/Integrity.ts"
import * as TestConversions from "../support/TestConversions.ts"
import * as TestDatabase from "../support/TestDatabase.ts"
import * as Workload from "../support/Workload.ts"

const WRITERS = 24
const ACKNOWLEDGED_BEFORE_KILL = 100
/** Number of kills in a row; `EFFEX_KILLS` overrides it. */
const KILLS = Number(process.env["EFFEX_KILLS"] ?? 3)

describe("kill -9 of the server under 24 writers", () => {
  it.live(
    "loses no acknowledged conversion, and retrying every key leaves one record per key",
    () =>
      Effect.gen(function* () {
        const url = yield* TestDatabase.create
        const sql = yield* PgClient.makeClient({ url: Redacted.make(url) })
        const env = { DATABASE_URL: url, AUDIT_SIGNING_KEY: TestConversions.SIGNING_KEY }
        const workload = Workload.make("kill")
        const readyMillis: Array<number> = []
        const start = Effect.gen(function* () {
          const [elapsed, server] = yield* Effect.timed(Effex.serve(env))
          readyMillis.push(Math.round(Duration.toMillis(elapsed)))
          return server
        })

        for (let round = 1; round <= KILLS; round++) {
          const server = yield* start
          const hasEnough = yield* Deferred.make<void>()
          let remaining = ACKNOWLEDGED_BEFORE_KILL
          const load = yield* workload.drive(() => server.url, {
            writers: WRITERS,
            readers: 0,
            onAcknowledged: () => {
              if (--remaining === 0) Deferred.doneUnsafe(hasEnough, Effect.void)
            }
          })
          yield* Effect.timeout(Deferred.await(hasEnough), "5 minutes")
          server.process.kill("SIGKILL")
          assert.strictEqual(yield* server.ended, "SIGKILL")
          yield* load.stop
        }

        const restarted = yield* start
        const settled = yield* Integrity.check({ workload, url: restarted.url, sql })
        assert.strictEqual((yield* Integrity.verify(env)).code, 0)
        assert.isAtLeast(settled.acknowledged, KILLS * ACKNOWLEDGED_BEFORE_KILL)
        restarted.process.kill("SIGTERM")
        assert.strictEqual(yield* restarted.ended, 0)
        yield* Integrity.checkReleased(sql)
        yield* Workload.report(
          `kill -9 of the server ${KILLS} times: ${Integrity.format(settled)}; ready after ${readyMillis.slice(1).join(", ")} ms`
        )
      }).pipe(Effect.scoped, Effect.provide(Reactivity.layer)),
    300_000 + KILLS * 60_000
  )
})
