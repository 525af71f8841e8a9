import { assert, describe, it } from "@effect/vitest"
import * as Axis from "../../bench/plots/Axis.ts"
import { median, ratioIn, spreadOf } from "../../bench/Statistics.ts"

describe("Statistics of the bench", () => {
  it("the median is the middle, or the mean of both in the middle", () => {
    assert.strictEqual(median([9, 1, 5]), 5)
    assert.strictEqual(median([4, 1, 3, 2]), 2.5)
    assert.strictEqual(median([7]), 7)
  })

  it("a spread has both ends", () => {
    assert.deepStrictEqual(spreadOf([30, 10, 20]), { median: 20, min: 10, max: 30 })
  })

  it("ratios are taken within each round, so that a slow round of both does not count", () => {
    const rounds = [
      { a: 12, b: 10 },
      { a: 120, b: 100 },
      { a: 24, b: 20 }
    ]
    const ratio = ratioIn(rounds, "a", "b", (value: number) => value)
    assert.deepStrictEqual(ratio, { median: 1.2, min: 1.2, max: 1.2 })
  })
})

describe("Axes of the plots", () => {
  it("a linear one begins at zero and ends above the largest value", () => {
    const { at, ticks } = Axis.divide("linear", [120, 4_730])
    assert.deepStrictEqual(ticks, [0, 1_000, 2_000, 3_000, 4_000, 5_000])
    assert.strictEqual(at(2_500), 0.5)
  })

  it("a logarithmic one of a few values is marked at these", () => {
    const { at, ticks } = Axis.divide("log", [1, 64, 8, 1])
    assert.deepStrictEqual(ticks, [1, 8, 64])
    assert.closeTo(at(8), 0.5, 1e-9)
  })

  it("a logarithmic one of many values has them all between its ends", () => {
    const values = [0.3, 0.7, 1.4, 3, 6, 8, 21, 33]
    const { at, ticks } = Axis.divide("log", values)
    assert.deepStrictEqual(ticks, [0.2, 0.5, 1, 2, 5, 10, 20, 50])
    assert.isTrue(values.every((value) => at(value) >= 0 && at(value) <= 1))
  })
})
