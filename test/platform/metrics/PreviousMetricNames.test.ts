import { assert, describe, it } from "@effect/vitest"
import { ALL_METRICS } from "../../../src/platform/metrics/AllMetrics.ts"
import * as PreviousMetricNames from "../../../src/platform/metrics/PreviousMetricNames.ts"

describe("PreviousMetricNames", () => {
  it("returns a renamed metric under both names, and other metrics once", () => {
    const text = [
      "# HELP effex_provider_consecutive_failures Consecutive provider calls that failed",
      "# TYPE effex_provider_consecutive_failures gauge",
      'effex_provider_consecutive_failures{provider="fixer"} 2',
      "# HELP effex_conversions_total Conversions committed",
      "# TYPE effex_conversions_total counter",
      "effex_conversions_total 7",
      ""
    ].join("\n")
    assert.strictEqual(
      PreviousMetricNames.appendTo(text),
      text +
        [
          "# HELP effex_provider_failures_in_a_row Deprecated: use effex_provider_consecutive_failures",
          "# TYPE effex_provider_failures_in_a_row gauge",
          'effex_provider_failures_in_a_row{provider="fixer"} 2',
          ""
        ].join("\n")
    )
  })

  it("names metrics that exist, and previous names that do not", () => {
    const ids = new Set(ALL_METRICS.map(({ id }) => id))
    const names = Array.from(PreviousMetricNames.PREVIOUS_NAMES)
    assert.isNotEmpty(names)
    assert.deepStrictEqual(
      names.filter(([name, previous]) => !ids.has(name) || ids.has(previous)),
      []
    )
  })
})
