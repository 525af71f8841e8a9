import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { ALL_METRICS } from "../../src/platform/metrics/AllMetrics.ts"

const document = readFileSync(new URL("../../docs/metrics.md", import.meta.url), "utf8")
const nameOf = (row: string) => /^\| `([a-z_]+)` \|/.exec(row)?.[1]
const rows = document.split("\n").filter((line) => nameOf(line) !== undefined)

describe("docs/metrics.md", () => {
  it("has a row for every metric, with its description", () => {
    const missing = ALL_METRICS.filter(
      ({ description, id }) => !rows.some((row) => nameOf(row) === id && row.endsWith(`| ${description} |`))
    )
    assert.deepStrictEqual(
      missing.map(({ id }) => id),
      []
    )
  })

  it("names no metric that does not exist", () => {
    const known = new Set(ALL_METRICS.map(({ id }) => id))
    assert.deepStrictEqual(
      rows.map(nameOf).filter((name) => name === undefined || !known.has(name)),
      []
    )
  })
})
