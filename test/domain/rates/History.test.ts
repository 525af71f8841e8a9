import { assert, it } from "@effect/vitest"
import { DateTime, Duration } from "effect"
import * as History from "../../../src/domain/rates/History.ts"

const at = DateTime.makeUnsafe

it("finds the intervals of moments in UTC", () => {
  for (const [interval, moment, floor, ceiling] of [
    ["1h", "2026-11-21T03:27:17.086Z", "2026-11-21T03:00:00.000Z", "2026-11-21T04:00:00.000Z"],
    ["1h", "2026-11-21T03:00:00.000Z", "2026-11-21T03:00:00.000Z", "2026-11-21T03:00:00.000Z"],
    ["1d", "2026-11-21T03:27:17.086Z", "2026-11-21T00:00:00.000Z", "2026-11-22T00:00:00.000Z"],
    ["1d", "2024-02-29T23:59:59.999Z", "2024-02-29T00:00:00.000Z", "2024-03-01T00:00:00.000Z"],
    ["1d", "1969-12-31T23:59:59.999Z", "1969-12-31T00:00:00.000Z", "1970-01-01T00:00:00.000Z"]
  ] as const) {
    assert.strictEqual(DateTime.formatIso(History.floor(at(moment), interval)), floor)
    assert.strictEqual(DateTime.formatIso(History.ceiling(at(moment), interval)), ceiling)
  }
  const later = History.after(at("2026-10-24T00:00:00Z"), 3, "1d")
  assert.strictEqual(DateTime.formatIso(later), "2026-10-27T00:00:00.000Z")
})

it("takes a time apart, without a gap and without an overlap", () => {
  const pieces = (start: string, end: string) =>
    History.piecesOf(at(start), at(end), Duration.days(14)).map((piece) =>
      [piece.start, piece.end].map((moment) => DateTime.formatIso(moment).slice(0, 10)).join(" ")
    )
  assert.deepStrictEqual(pieces("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"), [
    "2026-01-01 2026-01-15",
    "2026-01-15 2026-01-29",
    "2026-01-29 2026-02-01"
  ])
  assert.deepStrictEqual(pieces("2026-01-01T00:00:00Z", "2026-01-15T00:00:00Z"), ["2026-01-01 2026-01-15"])
  assert.deepStrictEqual(pieces("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"), [])
})
