import { assert, it } from "@effect/vitest"
import { DateTime, Option, Schema } from "effect"
import { TimeFromText } from "../../src/api/TimeFromText.ts"

const read = (text: string) =>
  Option.getOrNull(Option.map(Schema.decodeOption(TimeFromText)(text), DateTime.formatIso))

it("parses dates and times, in UTC by default", () => {
  assert.strictEqual(read("2024-02-29"), "2024-02-29T00:00:00.000Z")
  assert.strictEqual(read("2026-11-21T03:27:17"), "2026-11-21T03:27:17.000Z")
  assert.strictEqual(read("2026-11-21T03:27:17.0869Z"), "2026-11-21T03:27:17.086Z")
  assert.strictEqual(read("2026-11-21T03:27:17+02:00"), "2026-11-21T01:27:17.000Z")
})

it("repairs the + of an offset that arrived as a space", () => {
  assert.strictEqual(read("2026-11-21T03:27:17 02:00"), "2026-11-21T01:27:17.000Z")
  assert.strictEqual(read("2026-11-21T03:27:17.086 0130"), read("2026-11-21T03:27:17.086+0130"))
  const query = new URLSearchParams("at=2026-11-21T03:27:17+02:00")
  assert.strictEqual(read(query.get("at") ?? ""), "2026-11-21T01:27:17.000Z")
})

it("rejects dates that do not exist and malformed times", () => {
  for (const text of [
    "2026-02-29",
    "2026-02-30T10:00:00Z",
    "2026-04-31",
    "2026-13-01",
    "2026-00-10",
    "2026-01-32",
    "0999-01-01",
    "9999-12-31",
    "2026-11-21T03:27:17 -02:00",
    "2026-11-21 02:00",
    "2026-11-21T03:27 17",
    "2026-11-21Tnoon",
    "now",
    ""
  ])
    assert.isNull(read(text), text)
})
