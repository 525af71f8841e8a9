import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Coalescer from "../../../src/rates/feed/Coalescer.ts"
import { eventually } from "../../support/Waiters.ts"

const busyFor = (millis: number) => {
  const end = performance.now() + millis
  while (performance.now() < end);
}

describe("Coalescer", () => {
  it.live("runs immediately when idle, and coalesces frequent calls", () =>
    Effect.gen(function* () {
      let runs = 0
      const { schedule } = Coalescer.make(() => runs++)
      for (let i = 0; i < 10; i++) schedule()
      assert.strictEqual(runs, 0)
      yield* eventually("run", () => runs > 0 || undefined)
      yield* Effect.sleep("20 millis")
      assert.strictEqual(runs, 1)
      schedule()
      yield* eventually("second run", () => runs > 1 || undefined)
      yield* Effect.sleep("20 millis")
      assert.strictEqual(runs, 2)
    })
  )

  it.live.each([20, 100])("pauses for as long as a run took: %i ms", (millis) =>
    Effect.gen(function* () {
      const starts: Array<number> = []
      const { schedule } = Coalescer.make(() => {
        starts.push(performance.now())
        busyFor(millis)
      })
      while (starts.length < 5) {
        schedule()
        yield* Effect.sleep("1 millis")
      }
      const gaps = starts.slice(1).map((at, i) => at - (starts[i] ?? 0))
      assert.isAbove(gaps.length, 2)
      for (const gap of gaps) assert.isAtLeast(gap, 2 * millis - 1)
    })
  )
})
