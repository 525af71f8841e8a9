import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Schedule from "../soak/Schedule.ts"
import * as Soak from "../soak/Soak.ts"

const SEED = 42

describe("A short soak", () => {
  it.live(
    "finds no violation",
    () =>
      Effect.gen(function* () {
        const result = yield* Soak.run({ seed: SEED, minutes: 0.4, nodes: 2, rate: 60, readers: 4 })
        assert.strictEqual(result.violations, 0, result.tables)
        assert.isAbove(result.faults, 5)
      }).pipe(Effect.provide(NodeServices.layer)),
    300_000
  )

  it.effect("schedules the same faults for the same seed, and other faults for another seed", () =>
    Effect.gen(function* () {
      const scheduleOf = (seed: number) => Schedule.make({ seed, millis: 60_000, nodes: 2 })
      assert.deepStrictEqual(yield* scheduleOf(1), yield* scheduleOf(1))
      assert.notDeepEqual(yield* scheduleOf(1), yield* scheduleOf(2))
    })
  )
})
