import { assert, describe, it } from "@effect/vitest"
import { summaryText } from "../../../src/cli/view/ImportProgressView.ts"

const summary = { given: 12_000, stored: 11_950, corrections: 3, known: 47, bad: 3 }
const done = { isRefused: false, dryRun: false }

describe("the summary of an import", () => {
  it("says what came of all lines", () => {
    assert.strictEqual(
      summaryText("line", summary, done),
      "12 000 lines: 11 950 stored (3 corrections), 47 already there, 3 bad"
    )
  })

  it("says nothing of what there is none of", () => {
    assert.strictEqual(
      summaryText("rate", { given: 1, stored: 1, corrections: 0, known: 0, bad: 0 }, done),
      "1 rate: 1 stored, 0 already there"
    )
  })

  it("says that nothing was stored", () => {
    assert.strictEqual(
      summaryText("line", { ...summary, stored: 0, corrections: 0, known: 0 }, { ...done, isRefused: true }),
      "12 000 lines: nothing stored, 3 bad"
    )
    assert.strictEqual(
      summaryText("line", { ...summary, corrections: 1 }, { ...done, dryRun: true }),
      "12 000 lines: 11 950 would be stored (1 correction), 47 already there, 3 bad"
    )
  })
})
