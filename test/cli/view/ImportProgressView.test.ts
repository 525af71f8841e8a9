import { assert, describe, it } from "@effect/vitest"
import { summaryText } from "../../../src/cli/view/ImportProgressView.ts"

const summary = { total: 12_000, stored: 11_950, corrections: 3, skipped: 47, invalid: 3, outliers: 0 }
const done = { isRejected: false, dryRun: false, acceptOutliers: false }

describe("ImportProgressView.summaryText", () => {
  it("counts stored, corrected, already stored and invalid lines", () => {
    assert.strictEqual(
      summaryText("line", summary, done),
      "12 000 lines: 11 950 stored (3 corrections), 47 already stored, 3 invalid"
    )
  })

  it("omits corrections and invalid lines if there are none", () => {
    assert.strictEqual(
      summaryText("rate", { total: 1, stored: 1, corrections: 0, skipped: 0, invalid: 0, outliers: 0 }, done),
      "1 rate: 1 stored, 0 already stored"
    )
  })

  it("marks a rejected file and a dry run", () => {
    assert.strictEqual(
      summaryText(
        "line",
        { ...summary, stored: 0, corrections: 0, skipped: 0 },
        { ...done, isRejected: true }
      ),
      "12 000 lines: nothing stored, 3 invalid"
    )
    assert.strictEqual(
      summaryText("line", { ...summary, corrections: 1 }, { ...done, dryRun: true }),
      "12 000 lines: 11 950 would be stored (1 correction), 47 already stored, 3 invalid"
    )
  })

  it("counts outliers that are refused or accepted", () => {
    assert.strictEqual(
      summaryText("line", { ...summary, stored: 11_949, outliers: 1 }, done),
      "12 000 lines: 11 949 stored (3 corrections), 47 already stored, 3 invalid, 1 outlier refused"
    )
    assert.strictEqual(
      summaryText("rate", { ...summary, invalid: 0, outliers: 2 }, { ...done, acceptOutliers: true }),
      "12 000 rates: 11 950 stored (3 corrections), 47 already stored, 2 outliers accepted"
    )
    assert.strictEqual(
      summaryText("rate", { ...summary, invalid: 0, outliers: 2 }, { ...done, isRejected: true }),
      "12 000 rates: nothing stored, 2 outliers refused"
    )
  })
})
