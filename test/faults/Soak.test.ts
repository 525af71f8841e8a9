import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Schedule from "../soak/Schedule.ts"
import * as Soak from "../soak/Soak.ts"

const SEED = 42

describe("A short soak", () => {
  it.live(
    "breaks no promise",
    () =>
      Effect.gen(function* () {
        const soaked = yield* Soak.run({ seed: SEED, minutes: 0.4, nodes: 2, rate: 60, readers: 4 })
        assert.strictEqual(soaked.violations, 0, soaked.tables)
        assert.isAbove(soaked.faults, 5)
      }).pipe(Effect.provide(NodeServices.layer)),
    300_000
  )

  it.effect("has the same faults at the same times for the same seed, and others for another", () =>
    Effect.gen(function* () {
      const of = (seed: number) => Schedule.make({ seed, millis: 60_000, nodes: 2 })
      assert.deepStrictEqual(yield* of(1), yield* of(1))
      assert.notDeepEqual(yield* of(1), yield* of(2))
    })
  )
})
