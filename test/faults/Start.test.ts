import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect } from "effect"
import { Reactivity } from "effect/reactivity"
import { readdirSync } from "node:fs"
import * as Effex from "../support/Effex.ts"
import * as Integrity from "../support/Integrity.ts"
import * as NodeEnvironment from "../support/NodeEnvironment.ts"
import * as TestDatabase from "../support/TestDatabase.ts"
import * as Workload from "../support/Workload.ts"

const NODES = 3

describe("Three nodes that start concurrently on an empty database", () => {
  it.live("all start, and exactly one migrates", () =>
    Effect.gen(function* () {
      const { env, sql } = yield* NodeEnvironment.make({}, TestDatabase.createEmpty)
      const [elapsed, nodes] = yield* Effect.timed(
        Effect.all(
          Array.from({ length: NODES }, () => Effex.serve(env)),
          { concurrency: NODES }
        )
      )
      const migrations = readdirSync(new URL("../../migrations", import.meta.url)).length
      const applied = nodes.flatMap(({ output }) => output().match(/(?<=Applied migrations: )[\w, ]+/g) ?? [])
      assert.deepStrictEqual(
        applied.map((names) => names.split(", ").length),
        [migrations]
      )
      const workload = Workload.make("start")
      let requestCount = 0
      const nextUrl = () => nodes[requestCount++ % NODES]?.url ?? assert.fail()
      const load = yield* workload.drive(nextUrl, { writers: 6, readers: 6, pause: "10 millis" })
      yield* Effect.sleep("2 seconds")
      yield* load.stop
      assert.strictEqual(workload.statistics("conversion").failed, 0)
      const settled = yield* Integrity.check({ workload, url: nextUrl(), sql, nodes: NODES })
      yield* Workload.report(
        `${NODES} concurrent nodes on an empty database: ready in ${Math.round(Duration.toMillis(elapsed))} ms, ${migrations} migrations by one; ${Integrity.format(settled)}`
      )
    }).pipe(Effect.scoped, Effect.provide(Reactivity.layer))
  )
})
