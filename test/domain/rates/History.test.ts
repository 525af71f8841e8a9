import { assert, it } from "@effect/vitest"
import { DateTime, Duration } from "effect"
import * as History from "../../../src/domain/rates/History.ts"

const at = DateTime.makeUnsafe

it("aligns intervals to UTC hours and days", () => {
  for (const [interval, moment, start, nextStart] of [
    ["1h", "2026-11-21T03:27:17.086Z", "2026-11-21T03:00:00.000Z", "2026-11-21T04:00:00.000Z"],
    ["1h", "2026-11-21T03:00:00.000Z", "2026-11-21T03:00:00.000Z", "2026-11-21T03:00:00.000Z"],
    ["1d", "2026-11-21T03:27:17.086Z", "2026-11-21T00:00:00.000Z", "2026-11-22T00:00:00.000Z"],
    ["1d", "2024-02-29T23:59:59.999Z", "2024-02-29T00:00:00.000Z", "2024-03-01T00:00:00.000Z"],
    ["1d", "1969-12-31T23:59:59.999Z", "1969-12-31T00:00:00.000Z", "1970-01-01T00:00:00.000Z"]
  ] as const) {
    assert.strictEqual(DateTime.formatIso(History.intervalStart(at(moment), interval)), start)
    assert.strictEqual(DateTime.formatIso(History.nextIntervalStart(at(moment), interval)), nextStart)
  }
  const later = History.addIntervals(at("2026-10-24T00:00:00Z"), 3, "1d")
  assert.strictEqual(DateTime.formatIso(later), "2026-10-27T00:00:00.000Z")
})

it("splits a time range without gaps or overlaps", () => {
  const ranges = (start: string, end: string) =>
    History.splitRange(at(start), at(end), Duration.days(14)).map((range) =>
      [range.start, range.end].map((moment) => DateTime.formatIso(moment).slice(0, 10)).join(" ")
    )
  assert.deepStrictEqual(ranges("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"), [
    "2026-01-01 2026-01-15",
    "2026-01-15 2026-01-29",
    "2026-01-29 2026-02-01"
  ])
  assert.deepStrictEqual(ranges("2026-01-01T00:00:00Z", "2026-01-15T00:00:00Z"), ["2026-01-01 2026-01-15"])
  assert.deepStrictEqual(ranges("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"), [])
})
