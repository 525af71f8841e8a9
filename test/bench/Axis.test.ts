import { assert, describe, it } from "@effect/vitest"
import { divide, type Scale } from "../../bench/plots/Axis.ts"

describe("The axis of a plot", () => {
  const ranges: ReadonlyArray<readonly [Scale, ReadonlyArray<number>]> = [
    ["linear", [3, 17, 46_905]],
    ["linear", [0.4]],
    ["log", [1, 8, 64, 256]],
    ["log", [0.11, 0.2, 0.8, 4.2, 13, 38.6, 61.9]],
    ["log", [1.2, 2.6, 20, 84, 330, 910, 4_700]]
  ]

  for (const [scale, values] of ranges) {
    it(`has room for all values, and few marks: ${scale}, ${values.join(", ")}`, () => {
      const { at, ticks } = divide(scale, values)
      for (const value of values) assert.isTrue(at(value) >= 0 && at(value) <= 1, String(value))
      assert.isTrue(ticks.length >= 2 && ticks.length <= 10, ticks.join(", "))
      assert.strictEqual(at(ticks.at(-1) ?? 0), 1)
    })
  }
})
