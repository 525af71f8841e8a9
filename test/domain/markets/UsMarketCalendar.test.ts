import { assert, describe, it } from "@effect/vitest"
import { Duration } from "effect"
import * as UsMarketCalendar from "../../../src/domain/markets/UsMarketCalendar.ts"
import { CLOSED, CLOSES_EARLY, YEARS } from "../../../src/domain/markets/UsMarketClosings.ts"

const at = (text: string) => Date.parse(text)
const sessionText = (date: string) => {
  const session = UsMarketCalendar.sessionOf(at(`${date}T17:00:00Z`))
  return (
    session &&
    [session.open, session.close].map((millis) => new Date(millis).toISOString().slice(11, 16)).join("-")
  )
}

describe("UsMarketCalendar", () => {
  it("opens from 9:30 to 16:00 in New York, with daylight saving time", () => {
    assert.strictEqual(sessionText("2026-11-30"), "14:30-21:00")
    assert.strictEqual(sessionText("2026-07-15"), "13:30-20:00")
    // The clocks change on 8 March and on 1 November 2026, both Sundays.
    assert.strictEqual(sessionText("2026-03-06"), "14:30-21:00")
    assert.strictEqual(sessionText("2026-03-09"), "13:30-20:00")
    assert.strictEqual(sessionText("2026-10-30"), "13:30-20:00")
    assert.strictEqual(sessionText("2026-11-02"), "14:30-21:00")
  })

  it("has no session on weekends and holidays", () => {
    for (const date of [
      "2026-11-28",
      "2026-11-29",
      "2026-11-26",
      "2025-01-09",
      "2024-03-29",
      "2026-07-03",
      "2027-12-24",
      "2027-06-18",
      "2028-04-14"
    ])
      assert.isUndefined(sessionText(date), date)
    // New Year's Day of 2028 is a Saturday, and is not observed on the Friday before.
    assert.strictEqual(sessionText("2027-12-31"), "14:30-21:00")
  })

  it("closes at 13:00 on the day after Thanksgiving, on Christmas Eve and before Independence Day", () => {
    assert.strictEqual(sessionText("2026-11-27"), "14:30-18:00")
    assert.strictEqual(sessionText("2026-12-24"), "14:30-18:00")
    assert.strictEqual(sessionText("2028-07-03"), "13:30-17:00")
    // The 2nd of July 2026 precedes the observed holiday, and is a full day.
    assert.strictEqual(sessionText("2026-07-02"), "13:30-20:00")
  })

  it("lists nine to eleven closed weekdays a year, and early closings only on trading days", () => {
    for (let year = YEARS.first; year <= YEARS.last; year++) {
      const count = Array.from(CLOSED).filter((date) => date.startsWith(String(year))).length
      assert.isTrue(count >= 9 && count <= 11, `${year} has ${count}`)
    }
    for (const date of [...CLOSED, ...CLOSES_EARLY]) {
      const weekday = new Date(`${date}T00:00:00Z`).getUTCDay()
      assert.isTrue(weekday >= 1 && weekday <= 5, date)
    }
    for (const date of CLOSES_EARLY) assert.isFalse(CLOSED.has(date), date)
  })

  it("is open between open and close only", () => {
    assert.isFalse(UsMarketCalendar.isOpen(at("2026-11-30T14:29:59.999Z")))
    assert.isTrue(UsMarketCalendar.isOpen(at("2026-11-30T14:30:00Z")))
    assert.isTrue(UsMarketCalendar.isOpen(at("2026-11-30T20:59:59.999Z")))
    assert.isFalse(UsMarketCalendar.isOpen(at("2026-11-30T21:00:00Z")))
    assert.isFalse(UsMarketCalendar.isOpen(at("2026-11-27T18:00:00Z")))
  })

  it("returns the last close across a holiday and a weekend", () => {
    const close = at("2026-11-25T21:00:00Z")
    assert.strictEqual(UsMarketCalendar.lastClose(at("2026-11-27T14:00:00Z")), close)
    assert.strictEqual(UsMarketCalendar.lastClose(close), close)
    assert.strictEqual(UsMarketCalendar.lastClose(at("2026-11-30T15:00:00Z")), at("2026-11-27T18:00:00Z"))
  })

  it("finds the next open after a moment, over nights, weekends and holidays", () => {
    const next = (text: string) => new Date(UsMarketCalendar.nextOpen(at(text))).toISOString().slice(0, 16)
    assert.strictEqual(next("2026-11-30T14:29:59Z"), "2026-11-30T14:30")
    assert.strictEqual(next("2026-11-30T14:30:00Z"), "2026-12-01T14:30")
    assert.strictEqual(next("2026-11-25T22:00:00Z"), "2026-11-27T14:30")
    assert.strictEqual(next("2026-11-28T12:00:00Z"), "2026-11-30T14:30")
  })

  it("counts only the time during which the market was open", () => {
    const open = (from: string, to: string) =>
      Duration.format(Duration.millis(UsMarketCalendar.openMillis(at(from), at(to))))
    assert.strictEqual(open("2026-11-27T17:59:00Z", "2026-11-30T14:35:00Z"), "6m")
    assert.strictEqual(open("2026-11-27T18:00:00Z", "2026-11-30T14:30:00Z"), "0")
    assert.strictEqual(open("2026-11-23T14:30:00Z", "2026-11-24T14:30:00Z"), "6h 30m")
    assert.strictEqual(open("2026-11-30T15:00:00Z", "2026-11-30T14:00:00Z"), "0")
    assert.strictEqual(UsMarketCalendar.openMillis(0, at("2026-11-30T15:00:00Z")), Number.POSITIVE_INFINITY)
  })
})
