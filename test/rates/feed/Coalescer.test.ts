import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Coalescer from "../../../src/rates/feed/Coalescer.ts"

const busyFor = (millis: number) => {
  const end = performance.now() + millis
  while (performance.now() < end);
}

describe("Pace", () => {
  it.live("does at once what is asked for seldom, and together what is asked for often", () =>
    Effect.gen(function* () {
      let times = 0
      const { soon } = Coalescer.make(() => times++)
      for (let i = 0; i < 10; i++) soon()
      assert.strictEqual(times, 0)
      yield* Effect.sleep("20 millis")
      assert.strictEqual(times, 1)
      soon()
      yield* Effect.sleep("20 millis")
      assert.strictEqual(times, 2)
    })
  )

  it.live.each([20, 100])("rests for as long as it took: %i ms", (millis) =>
    Effect.gen(function* () {
      const begun: Array<number> = []
      const { soon } = Coalescer.make(() => {
        begun.push(performance.now())
        busyFor(millis)
      })
      const started = performance.now()
      while (performance.now() - started < 25 * millis) {
        soon()
        yield* Effect.sleep("1 millis")
      }
      const gaps = begun.slice(1).map((at, i) => at - (begun[i] ?? 0))
      assert.isAbove(gaps.length, 2)
      for (const gap of gaps) assert.isAtLeast(gap, 2 * millis - 1)
    })
  )
})
