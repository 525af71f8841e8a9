import type { Candle } from "../charts/Candles.ts"
import { client } from "./RateStore.ts"

const DAY = 86_400_000

/** Ranges of the chart, with the time that a candle covers. */
export const ranges = [
  { value: "1D", text: "1D", words: "1 day", days: 1, interval: "raw", maximum: 2000 },
  { value: "1W", text: "1W", words: "1 week", days: 7, interval: "1h", maximum: 200 },
  { value: "1M", text: "1M", words: "1 month", days: 31, interval: "1h", maximum: 800 },
  { value: "1Y", text: "1Y", words: "1 year", days: 366, interval: "1d", maximum: 400 },
  { value: "5Y", text: "5Y", words: "5 years", days: 1827, interval: "1d", maximum: 1900 }
] as const

export type Range = (typeof ranges)[number]
export type RangeName = Range["value"]

const PAGE_SIZE = 1000

/** Reads the history of a pair, oldest first. By the hour if there are too many rates. */
export const load = async (
  from: string,
  to: string,
  { days, interval, maximum }: Pick<Range, "days" | "interval" | "maximum">,
  signal: AbortSignal
): Promise<ReadonlyArray<Candle>> => {
  const start = new Date(Date.now() - days * DAY)
  const pageSize = Math.min(PAGE_SIZE, maximum)
  const candles: Array<Candle> = []
  if (interval === "raw") {
    for await (const { fetchedAt, rate } of client.history(from, to, { start, pageSize, signal })) {
      candles.push({ time: fetchedAt, open: rate, high: rate, low: rate, close: rate })
      if (candles.length >= maximum) return load(from, to, { days, interval: "1h", maximum }, signal)
    }
  } else {
    for await (const candle of client.history(from, to, { start, pageSize, interval, signal })) {
      candles.push({ ...candle, time: candle.start })
      if (candles.length >= maximum) break
    }
  }
  return candles
}
