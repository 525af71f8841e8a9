import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, DateTime } from "effect"
import * as RateAnomaly from "../../../src/domain/rates/RateAnomaly.ts"

const exact = BigDecimal.fromStringUnsafe
const NOW = DateTime.makeUnsafe("2026-11-21T12:00:00.000Z")

describe("describe", () => {
  it("states the finding and what is allowed", () => {
    const allowed = exact("0.2")
    const against = exact("1500")
    const describeAnomaly = (anomaly: RateAnomaly.RateAnomaly) => RateAnomaly.describe(anomaly, exact("2250"))
    assert.deepStrictEqual(
      [
        describeAnomaly({ reason: "jump", against, allowed }),
        describeAnomaly({ reason: "disagrees", against: exact("3000"), allowed, provider: "fixer" }),
        describeAnomaly({ reason: "triangle", against, allowed, routes: 30 }),
        describeAnomaly({ reason: "inverted", against }),
        describeAnomaly({ reason: "unchanged", since: NOW }),
        describeAnomaly({ reason: "outdated", at: NOW })
      ],
      [
        "2250 is 50 % above 1500 (last good rate); at most 20 % is allowed",
        "2250 is 25 % below 3000 (fixer); at most 20 % is allowed",
        "2250 is 50 % above 1500 (median of 30 cross rates); at most 20 % is allowed",
        "2250 looks inverted; expected about 1500",
        "2250 has not changed since 2026-11-21T12:00:00.000Z or earlier",
        "2250 is timestamped 2026-11-21T12:00:00.000Z, which is too old or in the future"
      ]
    )
  })
})
