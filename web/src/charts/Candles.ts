/** A point of a chart. A point of single rates has four equal values. */
export interface Candle {
  readonly time: Date
  readonly open: string
  readonly high: string
  readonly low: string
  readonly close: string
}

/** Groups single rates to candles of equal duration. */
export const toCandles = (points: ReadonlyArray<Candle>, millis: number): ReadonlyArray<Candle> => {
  const candles = new Map<number, Array<Candle>>()
  for (const point of points) {
    const start = Math.floor(point.time.getTime() / millis) * millis
    const known = candles.get(start)
    if (known === undefined) candles.set(start, [point])
    else known.push(point)
  }
  return Array.from(candles, ([start, within]) => {
    const extreme = (sign: 1 | -1) =>
      within.reduce(
        (best, { close }) => (sign * (Number(close) - Number(best)) > 0 ? close : best),
        within[0]?.close ?? "0"
      )
    return {
      time: new Date(start),
      open: within[0]?.open ?? "0",
      high: extreme(1),
      low: extreme(-1),
      close: within.at(-1)?.close ?? "0"
    }
  })
}
