import { assert, describe, it } from "@effect/vitest"
import { BigDecimal } from "effect"
import * as Decimal from "../../../src/domain/money/Decimal.ts"
import * as RateSeries from "../../../src/domain/rates/RateSeries.ts"
import { pairOf } from "../../support/RateTicks.ts"

const MAX_JUMP = BigDecimal.make(2n, 1)
const DAY_MILLIS = 24 * 60 * 60 * 1000
const [NGN, EGP, ETB, GHS] = ["NGN", "EGP", "ETB", "GHS"].map((code) => pairOf("USD", code))

interface Given {
  readonly days: number
  readonly rate: string
  readonly isStored?: boolean
}

/** Rates a day apart. */
const daily = (rates: ReadonlyArray<string | number>, firstDay = 0, isStored = false): ReadonlyArray<Given> =>
  rates.map((rate, n) => ({ days: firstDay + n, rate: String(rate), isStored }))

/** Judges rates by day since the start. Returns the refused rates. */
const refused = (pair = NGN, start: string, given: ReadonlyArray<Given>) => {
  if (pair === undefined) return assert.fail()
  const series = RateSeries.make(pair, MAX_JUMP)
  const sorted = given.toSorted((a, b) => a.days - b.days)
  sorted.forEach(({ days, isStored = false, rate }, position) => {
    const at = Date.parse(start) + days * DAY_MILLIS
    series.add({ position, at, rate: BigDecimal.fromStringUnsafe(rate), isStored })
  })
  const outliers = series.outliers()
  return sorted.flatMap(({ isStored, rate }, position) =>
    isStored !== true &&
    outliers.some(({ firstPosition, lastPosition }) => firstPosition <= position && position <= lastPosition)
      ? [rate]
      : []
  )
}

const around = (level: number, count: number) =>
  Array.from({ length: count }, (_, n) => (level * (1 + ((n * 7) % 5) / 500)).toFixed(4))

describe("RateSeries", () => {
  it("accepts a series without a break, also over decades", () => {
    assert.deepStrictEqual(refused(NGN, "2026-01-01", daily(around(1500, 200))), [])
    // Official rates of the naira at the end of some years: no approximate rate of today is near the first ones.
    const years = [22, 22, 22, 22, 92, 110, 113, 127, 137, 133, 129, 128, 118, 132, 149, 150, 158, 157, 160]
    const later = [180, 197, 305, 306, 307, 307, 381, 411, 448, 907, 1535]
    const yearly = [...years, ...later].map((rate, n) => ({ days: n * 365, rate: String(rate) }))
    assert.deepStrictEqual(refused(NGN, "1995-12-31", yearly), [])
  })

  it("accepts a change of level that more than three rates support", () => {
    const events = [
      [NGN, "2023-05-15", 462, 664],
      [EGP, "2024-02-06", 30.9, 49.5],
      [ETB, "2024-07-01", 57.5, 74.7],
      [GHS, "2022-10-01", 10.3, 14.9]
    ] as const
    for (const [pair, start, before, after] of events) {
      const rates = [...around(before, 30), ...around(after, 10)]
      assert.deepStrictEqual(refused(pair, start, daily(rates)), [], pair?.key)
    }
  })

  it("refuses slips of a decimal point, inversions and typing errors, and nothing else", () => {
    for (const wrong of ["1.5", "15", "150", "15000", "1500000", "0.000666", "900", "2500"]) {
      const rates = [...around(1500, 20), wrong, ...around(1500, 20)]
      assert.deepStrictEqual(refused(NGN, "2026-01-01", daily(rates)), [wrong])
    }
    // At the start, at the end, and repeatedly.
    assert.deepStrictEqual(refused(NGN, "2026-01-01", daily(["1.5", ...around(1500, 5)])), ["1.5"])
    assert.deepStrictEqual(refused(NGN, "2026-01-01", daily([...around(1500, 5), "1.5"])), ["1.5"])
    const repeated = Array.from({ length: 30 }, () => "1.5")
    assert.deepStrictEqual(
      refused(NGN, "2026-01-01", daily([...around(1500, 20), ...repeated, ...around(1500, 20)])),
      repeated
    )
  })

  it("refuses an inversion near parity between daily rates", () => {
    const pair = pairOf("EUR", "USD")
    const rates = [...around(1.08, 10), "0.926", "0.925", ...around(1.08, 10)]
    assert.deepStrictEqual(refused(pair, "2026-01-01", daily(rates)), ["0.926", "0.925"])
    assert.deepStrictEqual(refused(pair, "2026-01-01", daily(["1.01", "0.99", "1.005", "0.995"])), [])
  })

  it("refuses a large part of a series that does not fit the stored rates", () => {
    const inverted = around(0.000666, 300)
    assert.deepStrictEqual(
      refused(NGN, "2026-01-01", [...daily(inverted), ...daily(["1500"], 300, true)]),
      inverted
    )
    const scaled = around(1.5, 300)
    assert.deepStrictEqual(
      refused(NGN, "2026-01-01", [...daily(scaled), ...daily(["1500"], 100.5, true)]),
      scaled
    )
    assert.deepStrictEqual(
      refused(NGN, "2026-01-01", [...daily(around(1500, 300)), ...daily(["1500"], 300, true)]),
      []
    )
  })

  it("refuses a whole series that is far from the approximate rate", () => {
    const inverted = around(0.000666, 50)
    assert.deepStrictEqual(refused(NGN, "2024-01-01", daily(inverted)), inverted)
    const scaled = around(1.5, 50)
    assert.deepStrictEqual(refused(NGN, "2016-01-01", daily(scaled)), scaled)
    assert.deepStrictEqual(refused(NGN, "2016-01-01", daily(around(305, 50))), [])
  })

  it("keeps the fitting rates after a long run of outliers", () => {
    const noise = Array.from({ length: 200 }, (_, n) => String(n % 2 === 0 ? 1.5 : 150_000))
    const rates = [...around(1500, 50), ...noise, ...around(1500, 50)]
    assert.deepStrictEqual(refused(NGN, "2026-01-01", daily(rates)), noise)
  })

  it("expects a rate within the range of the rates before and after", () => {
    if (NGN === undefined) return assert.fail()
    const series = RateSeries.make(NGN, MAX_JUMP)
    const add = (position: number, rate: string, isStored = false) =>
      series.add({
        position,
        at: Date.UTC(2026, 0, 1) + position * 3_600_000,
        rate: BigDecimal.fromStringUnsafe(rate),
        isStored
      })
    add(0, "1500", true)
    add(1, "3000")
    add(2, "1600", true)
    const [outliers] = series.outliers()
    assert.deepStrictEqual(
      [outliers?.firstPosition, outliers?.lastPosition, ...[outliers?.low, outliers?.high].map(format)],
      [1, 1, "1324", "1813"]
    )
  })
})

const format = (value: BigDecimal.BigDecimal | undefined) =>
  value === undefined ? "" : Decimal.format(value)
