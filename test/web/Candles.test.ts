import { assert, describe, it } from "@effect/vitest"
import { type Candle, toCandles } from "../../web/src/charts/Candles.ts"

const point = (minute: number, rate: string): Candle => ({
  time: new Date(Date.UTC(2026, 0, 1, 0, minute)),
  open: rate,
  high: rate,
  low: rate,
  close: rate
})

describe("Candles of single rates", () => {
  it("have the first, highest, lowest and last rate of each period", () => {
    const points = [point(0, "9.5"), point(5, "10.25"), point(19, "9.75"), point(20, "9.75"), point(45, "11")]
    assert.deepStrictEqual(
      toCandles(points, 20 * 60_000).map(({ close, high, low, open, time }) => [
        time.toISOString().slice(11, 16),
        open,
        high,
        low,
        close
      ]),
      [
        ["00:00", "9.5", "10.25", "9.5", "9.75"],
        ["00:20", "9.75", "9.75", "9.75", "9.75"],
        ["00:40", "11", "11", "11", "11"]
      ]
    )
  })

  it("of no rates are none", () => assert.deepStrictEqual(toCandles([], 60_000), []))
})
