import { assert, describe, it } from "@effect/vitest"
import { Duration, Option } from "effect"
import * as RateLimit from "../../../src/domain/access/RateLimit.ts"

describe("RateLimit", () => {
  it("parses a number of requests and a window", () => {
    const rateLimits = {
      "6000/minute": [6000, Duration.minutes(1)],
      "1/second": [1, Duration.seconds(1)],
      "50/10 seconds": [50, Duration.seconds(10)],
      "5/2 Hours": [5, Duration.hours(2)],
      "1000000/day": [1_000_000, Duration.days(1)]
    } as const
    for (const [text, [limit, window]] of Object.entries(rateLimits))
      assert.deepStrictEqual(Option.getOrThrow(RateLimit.parse(text)), { limit, window }, text)
  })

  it("rounds times up to whole seconds, at least one", () => {
    assert.strictEqual(RateLimit.inSeconds(Duration.millis(1)), 1)
    assert.strictEqual(RateLimit.inSeconds(Duration.zero), 1)
    assert.strictEqual(RateLimit.inSeconds(Duration.millis(1001)), 2)
    assert.strictEqual(RateLimit.inSeconds(Duration.minutes(1)), 60)
  })
})
