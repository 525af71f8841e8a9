import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Schedule } from "effect"
import { Reactivity } from "effect/reactivity"
import * as Effex from "../support/Effex.ts"
import * as Integrity from "../support/Integrity.ts"
import * as NodeEnvironment from "../support/NodeEnvironment.ts"
import * as Workload from "../support/Workload.ts"

const TERMINATIONS = 60

describe("pg_terminate_backend on random sessions", () => {
  it.live("loses no acknowledged conversion, and the pool recovers", () =>
    Effect.gen(function* () {
      const { env, sql } = yield* NodeEnvironment.make({ POLL_INTERVAL: "1 second" })
      const server = yield* Effex.serve(env)
      yield* server.written(/44 refreshed/)
      const workload = Workload.make("terminated")
      const load = yield* workload.drive(() => server.url, { writers: 8, readers: 4, pause: "5 millis" })
      const terminate = sql<{ ended: boolean }>`
        SELECT pg_terminate_backend(pid) AS ended FROM pg_stat_activity
        WHERE datname = current_database() AND application_name LIKE 'effex%' ORDER BY random() LIMIT 1`
      const terminations = yield* Effect.forkChild(
        Effect.repeat(
          terminate,
          Schedule.max([Schedule.spaced("75 millis"), Schedule.recurs(TERMINATIONS - 1)])
        )
      )
      yield* Fiber.join(terminations)
      yield* load.stop
      const conversions = workload.statistics("conversion")
      const lookups = workload.statistics("lookup")
      assert.strictEqual(lookups.failed, 0)
      assert.isBelow(conversions.failed, conversions.count)

      const recoveredAt = performance.now()
      const loadAfter = yield* workload.drive(() => server.url, { writers: 8, readers: 0, pause: "5 millis" })
      yield* Effect.sleep("1 second")
      yield* loadAfter.stop
      assert.strictEqual(workload.statistics("conversion", recoveredAt).failed, 0)
      const settled = yield* Integrity.check({ workload, url: server.url, sql })
      yield* Workload.report(
        `${TERMINATIONS} sessions terminated: ${Workload.format("conversions", conversions)}; ${Workload.format("lookups", lookups)}; ${Integrity.format(settled)}`
      )
    }).pipe(Effect.scoped, Effect.provide(Reactivity.layer))
  )
})
