import { assert, it } from "@effect/vitest"
import { DateTime } from "effect"
import * as RateIds from "../../../src/domain/rates/RateIds.ts"

const at = DateTime.makeUnsafe
const observed = at("2026-11-21T03:27:17.086Z")

it("starts with the observation time in milliseconds", () => {
  const id = RateIds.make(observed, at("2026-11-21T03:27:17.090Z"), 0x1234_5678)
  assert.strictEqual(
    Number.parseInt(id.replaceAll("-", "").slice(0, 12), 16),
    DateTime.toEpochMillis(observed)
  )
  assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7000-8000-000412345678$/)
})

it("sorts by observation time, then by recording time", () => {
  const moments: ReadonlyArray<readonly [string, string]> = [
    ["2026-11-21T03:27:17.086Z", "2026-11-21T03:27:17.090Z"],
    ["2026-11-21T03:27:17.086Z", "2026-11-21T03:27:17.091Z"],
    ["2026-11-21T03:27:17.086Z", "2027-11-21T03:27:17.091Z"],
    ["2026-11-21T03:27:17.086Z", "2126-11-21T03:27:17.091Z"],
    ["2026-11-21T03:27:17.087Z", "2026-11-21T03:27:17.087Z"]
  ]
  const ids = moments.map(([from, recorded], n) => RateIds.make(at(from), at(recorded), 0xffff_fff0 - n))
  assert.deepStrictEqual(ids, ids.toSorted())
})

it("accepts a recording time before the observation time (clock skew)", () => {
  const id = RateIds.make(observed, at("2026-11-21T03:27:17.000Z"), 0)
  assert.strictEqual(id, RateIds.make(observed, observed, 0))
})

it("has a lower bound below all ids from a time on and above all earlier ids", () => {
  const bound = RateIds.lowerBound(observed)
  assert.isBelow(bound.localeCompare(RateIds.make(observed, observed, 0)), 0)
  const before = DateTime.makeUnsafe(DateTime.toEpochMillis(observed) - 1)
  assert.isAbove(bound.localeCompare(RateIds.make(before, at("2100-01-01"), RateIds.ENTROPY_RANGE - 1)), 0)
  assert.strictEqual(RateIds.lowerBound(at("1000-01-01")), "00000000-0000-0000-0000-000000000000")
})
