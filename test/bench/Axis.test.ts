import { assert, describe, it } from "@effect/vitest"
import { makeScale, type ScaleType } from "../../bench/plots/Axis.ts"

describe("makeScale", () => {
  const cases: ReadonlyArray<readonly [ScaleType, ReadonlyArray<number>]> = [
    ["linear", [3, 17, 46_905]],
    ["linear", [0.4]],
    ["log", [1, 8, 64, 256]],
    ["log", [0.11, 0.2, 0.8, 4.2, 13, 38.6, 61.9]],
    ["log", [1.2, 2.6, 20, 84, 330, 910, 4_700]]
  ]

  for (const [type, values] of cases) {
    it(`contains all values and has 2 to 10 ticks: ${type}, ${values.join(", ")}`, () => {
      const { position, ticks } = makeScale(type, values)
      for (const value of values) assert.isTrue(position(value) >= 0 && position(value) <= 1, String(value))
      assert.isTrue(ticks.length >= 2 && ticks.length <= 10, ticks.join(", "))
      assert.strictEqual(position(ticks.at(-1) ?? 0), 1)
    })
  }

  it("starts a linear scale at zero and ends it above the largest value", () => {
    const { position, ticks } = makeScale("linear", [120, 4_730])
    assert.deepStrictEqual(ticks, [0, 1_000, 2_000, 3_000, 4_000, 5_000])
    assert.strictEqual(position(2_500), 0.5)
  })

  it("puts the ticks of a logarithmic scale at its values if these are few", () => {
    const { position, ticks } = makeScale("log", [1, 64, 8, 1])
    assert.deepStrictEqual(ticks, [1, 8, 64])
    assert.closeTo(position(8), 0.5, 1e-9)
  })

  it("puts the ticks of a logarithmic scale of many values around them", () => {
    const values = [0.3, 0.7, 1.4, 3, 6, 8, 21, 33]
    const { position, ticks } = makeScale("log", values)
    assert.deepStrictEqual(ticks, [0.2, 0.5, 1, 2, 5, 10, 20, 50])
    assert.isTrue(values.every((value) => position(value) >= 0 && position(value) <= 1))
  })
})
