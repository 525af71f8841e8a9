import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { Reactivity } from "effect/reactivity"
import * as Effex from "../support/Effex.ts"
import * as Integrity from "../support/Integrity.ts"
import * as PostgresServer from "../support/PostgresServer.ts"
import * as NodeEnvironment from "../support/NodeEnvironment.ts"
import { eventually } from "../support/Waiters.ts"
import * as Workload from "../support/Workload.ts"

const KILLS = 3
const ACKNOWLEDGED_BEFORE_KILL = 200

describe("kill -9 of PostgreSQL and its children under load", () => {
  it.live("loses no acknowledged conversion, and the server recovers without a restart", () =>
    Effect.gen(function* () {
      const postgres = yield* PostgresServer.start([])
      const env = NodeEnvironment.envOf(postgres.url)
      const server = yield* Effex.serve(env)
      yield* server.written(/44 refreshed/)
      const workload = Workload.make("postgres")
      const load = yield* workload.drive(() => server.url, { writers: 12, readers: 4, pause: "5 millis" })
      const awaitAcknowledged = (count: number) => {
        const target = workload.acknowledged().length + count
        return eventually(
          `${count} more conversions`,
          () => workload.acknowledged().length >= target || undefined,
          300_000
        )
      }
      const outageMillis: Array<number> = []
      for (let round = 1; round <= KILLS; round++) {
        yield* awaitAcknowledged(ACKNOWLEDGED_BEFORE_KILL)
        assert.isAtLeast(yield* postgres.kill, 5)
        const killedAt = performance.now()
        yield* workload
          .convert(server.url, `after kill ${round}`, round)
          .pipe(
            Effect.delay("20 millis"),
            Effect.repeat({ until: Option.exists(({ status }) => status === 200) }),
            Effect.timeout("5 minutes")
          )
        outageMillis.push(Math.round(performance.now() - killedAt))
      }
      yield* load.stop
      const sql = yield* NodeEnvironment.connect(postgres.url)
      const lookups = workload.statistics("lookup")
      assert.strictEqual(lookups.failed, 0)
      const settled = yield* Integrity.check({ workload, url: server.url, sql })
      assert.isNull(server.process.exitCode)
      yield* Workload.report(
        `kill -9 of PostgreSQL ${KILLS} times: ${Integrity.format(settled)}; ${Workload.format("lookups", lookups)}; conversions resumed after ${outageMillis.join(", ")} ms`
      )
    }).pipe(Effect.scoped, Effect.provide(Reactivity.layer))
  )
})
