import UPlot from "uplot"
import "uplot/dist/uPlot.min.css"
import { toChartNumber } from "../money/Decimal.ts"
import type { Candle } from "./Candles.ts"
import { onColors } from "../Scheme.ts"

/** A drawn chart. */
export interface ChartView {
  readonly show: (points: ReadonlyArray<Candle>, kind: "line" | "candles") => void
  /** Moves the cursor to a point. */
  readonly point: (index: number) => void
  readonly destroy: () => void
}

const FONT = "12px system-ui, sans-serif"
const AXIS_WIDTH = 76
const MAX_CANDLE_WIDTH = 11

/** Colours of the panel, which are the same in both schemes. */
const COLORS = {
  line: "#ffc24b",
  text: "#c3c6f0",
  grid: "rgb(195 198 240 / 14%)",
  rising: "#6fe3b5",
  falling: "#ff9d8e"
}

/** Rising candles are hollow and falling ones are filled, so that they differ without their colours. */
const drawCandles = (plot: UPlot, candles: ReadonlyArray<Candle>) => {
  const { ctx } = plot
  const ratio = devicePixelRatio
  const space = plot.bbox.width / Math.max(candles.length, 1)
  const width = Math.max(ratio, Math.min(space * 0.65, MAX_CANDLE_WIDTH * ratio))
  ctx.save()
  ctx.beginPath()
  ctx.rect(plot.bbox.left, plot.bbox.top, plot.bbox.width, plot.bbox.height)
  ctx.clip()
  ctx.lineWidth = 1.4 * ratio
  for (const { close, high, low, open, time } of candles) {
    const x = plot.valToPos(time.getTime() / 1000, "x", true)
    const [top, bottom, start, end] = [high, low, open, close].map((rate) =>
      plot.valToPos(toChartNumber(rate), "y", true)
    ) as [number, number, number, number]
    const isRising = end <= start
    ctx.strokeStyle = ctx.fillStyle = isRising ? COLORS.rising : COLORS.falling
    ctx.beginPath()
    ctx.moveTo(x, top)
    ctx.lineTo(x, Math.min(start, end))
    ctx.moveTo(x, Math.max(start, end))
    ctx.lineTo(x, bottom)
    ctx.stroke()
    const [y, height] = [Math.min(start, end), Math.max(Math.abs(end - start), ratio)]
    if (isRising) ctx.strokeRect(x - width / 2, y, width, height)
    else ctx.fillRect(x - width / 2, y, width, height)
  }
  ctx.restore()
}

const HOUR = 3600
const DAY = 24 * HOUR

/** Labels of the times, by the range that they cover: hours, days or months. */
const timeLabels = (plot: UPlot, times: ReadonlyArray<number>): Array<string> => {
  const { max = 0, min = 0 } = plot.scales["x"] ?? {}
  const range = (max ?? 0) - (min ?? 0)
  const [hour, day, month, year] = [
    { hour: "2-digit", minute: "2-digit" },
    { day: "numeric", month: "short" },
    { month: "short", year: "numeric" },
    { year: "numeric" }
  ] as const
  const format = range <= 2 * DAY ? hour : range <= 120 * DAY ? day : range <= 1000 * DAY ? month : year
  return times.map((time) => new Date(time * 1000).toLocaleString("en-GB", format))
}

/** Distances of the labels, in seconds. */
const TIME_STEPS = [
  60,
  300,
  900,
  HOUR,
  3 * HOUR,
  6 * HOUR,
  12 * HOUR,
  DAY,
  2 * DAY,
  7 * DAY,
  31 * DAY,
  92 * DAY,
  366 * DAY
]

const fill = ({ bbox, ctx }: UPlot) => {
  const gradient = ctx.createLinearGradient(0, bbox.top, 0, bbox.top + bbox.height)
  gradient.addColorStop(0, "rgb(255 194 75 / 26%)")
  gradient.addColorStop(1, "rgb(255 194 75 / 0%)")
  return gradient
}

/** Draws a chart that fills its element. `onCursor` gets the index under the pointer. */
export const makeChart = (place: HTMLElement, onCursor: (index: number | undefined) => void): ChartView => {
  let candles: ReadonlyArray<Candle> = []
  let kind: "line" | "candles" = "line"
  const axis = { stroke: COLORS.text, font: FONT, ticks: { show: false } }
  const range = (_plot: UPlot, low: number | null, high: number | null): UPlot.Range.MinMax => {
    const values =
      kind === "candles" ? candles.flatMap((candle) => [candle.low, candle.high]).map(Number) : []
    const [least, most] = [Math.min(low ?? 0, ...values), Math.max(high ?? 1, ...values)]
    const space = (most - least || most * 0.001) * 0.12
    return [least - space, most + space]
  }
  const plot = new UPlot(
    {
      width: place.clientWidth,
      height: place.clientHeight,
      legend: { show: false },
      padding: [8, 0, 0, 20],
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 9, fill: COLORS.line } },
      scales: { y: { range } },
      axes: [
        { ...axis, grid: { show: false }, values: timeLabels, incrs: TIME_STEPS, space: 72, size: 32 },
        { ...axis, side: 1, size: AXIS_WIDTH, space: 48, grid: { stroke: COLORS.grid, width: 1 } }
      ],
      series: [
        {},
        {
          stroke: () => (kind === "line" ? COLORS.line : "transparent"),
          fill: (self) => (kind === "line" ? fill(self) : "transparent"),
          width: 2,
          points: { show: false }
        }
      ],
      hooks: {
        draw: [(self) => kind === "candles" && drawCandles(self, candles)],
        setCursor: [({ cursor }) => onCursor(cursor.idx ?? undefined)]
      }
    },
    [[], []],
    place
  )
  const resize = new ResizeObserver(() => {
    if (place.clientWidth > 0) plot.setSize({ width: place.clientWidth, height: place.clientHeight })
  })
  resize.observe(place)
  const stopColors = onColors(() => plot.redraw(true))

  return {
    show: (points, next) => {
      candles = points
      kind = next
      plot.setData([
        points.map(({ time }) => time.getTime() / 1000),
        points.map(({ close }) => toChartNumber(close))
      ])
    },
    point: (index) => {
      const time = candles[index]?.time.getTime()
      if (time === undefined) return
      plot.setCursor({ left: plot.valToPos(time / 1000, "x"), top: 0 }, false)
    },
    destroy: () => {
      resize.disconnect()
      stopColors()
      plot.destroy()
    }
  }
}
