import { assert, describe, it } from "@effect/vitest"
import { median, ratioIn, spreadOf } from "../../bench/Statistics.ts"

describe("median", () => {
  it("is the middle value, or the mean of the two middle values", () => {
    assert.strictEqual(median([9, 1, 5]), 5)
    assert.strictEqual(median([4, 1, 3, 2]), 2.5)
    assert.strictEqual(median([7]), 7)
  })
})

describe("spreadOf", () => {
  it("returns median, minimum and maximum", () => {
    assert.deepStrictEqual(spreadOf([30, 10, 20]), { median: 20, min: 10, max: 30 })
  })
})

describe("ratioIn", () => {
  it("compares within each round, so that a round that is slow for both does not change the ratio", () => {
    const rounds = [
      { a: 12, b: 10 },
      { a: 120, b: 100 },
      { a: 24, b: 20 }
    ]
    const ratio = ratioIn(rounds, "a", "b", (value: number) => value)
    assert.deepStrictEqual(ratio, { median: 1.2, min: 1.2, max: 1.2 })
  })
})
