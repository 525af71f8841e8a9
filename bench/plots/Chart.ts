import { type Axis, format, makeScale, type Scale } from "./Axis.ts"
import * as Colors from "./Colors.ts"

/** One line of a chart. */
export interface Series {
  readonly name: string
  readonly color: Colors.Color
  readonly isDashed?: boolean
  readonly points: ReadonlyArray<readonly [x: number, y: number]>
}

/** A line chart. */
export interface Chart {
  /** File name without extension. */
  readonly file: string
  readonly title: string
  readonly x: Axis
  readonly y: Axis
  readonly series: ReadonlyArray<Series>
}

const WIDTH = 720
const HEIGHT = 440
const LEFT = 84
const RIGHT = 28
const BOTTOM = 62
const TITLE = 32
const LEGEND_ROW = 22
const LEGEND_COLUMNS = 3
const COLUMN = (WIDTH - LEFT - RIGHT) / LEGEND_COLUMNS

/** Renders a chart as SVG for light and dark pages. */
export const toSvg = (chart: Chart): string => {
  const { series, title, x, y } = chart
  const points = series.flatMap(({ points }) => points)
  const rows = Math.ceil(series.length / LEGEND_COLUMNS)
  const top = TITLE + rows * LEGEND_ROW + 30
  const xScale = makeScale(
    x.scale,
    points.map(([value]) => value)
  )
  const yScale = makeScale(
    y.scale,
    points.map(([, value]) => value)
  )
  const layout: Layout = {
    top,
    x: (value) => round(LEFT + xScale.position(value) * (WIDTH - LEFT - RIGHT)),
    y: (value) => round(HEIGHT - BOTTOM - yScale.position(value) * (HEIGHT - BOTTOM - top))
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" aria-label="${escape(title)}">`,
    `<style>${Colors.css}</style>`,
    `<rect class="paper" width="${WIDTH}" height="${HEIGHT}" rx="6"/>`,
    `<text class="title" x="${LEFT}" y="${TITLE}">${escape(title)}</text>`,
    ...series.map(legend),
    ...axes(chart, xScale, yScale, layout),
    ...series.map((one) => line(one, layout)),
    "</svg>",
    ""
  ].join("\n")
}

/** Maps values to coordinates. */
interface Layout {
  readonly top: number
  readonly x: (value: number) => number
  readonly y: (value: number) => number
}

const axes = ({ x, y }: Chart, xScale: Scale, yScale: Scale, layout: Layout): ReadonlyArray<string> => {
  const [bottom, right] = [HEIGHT - BOTTOM, WIDTH - RIGHT]
  const middle = (layout.top + bottom) / 2
  return [
    ...yScale.ticks.flatMap((tick) => [
      `<line class="grid" x1="${LEFT}" x2="${right}" y1="${layout.y(tick)}" y2="${layout.y(tick)}"/>`,
      `<text text-anchor="end" x="${LEFT - 10}" y="${layout.y(tick) + 4}">${format(tick)}</text>`
    ]),
    ...xScale.ticks.flatMap((tick) => [
      `<line class="grid" x1="${layout.x(tick)}" x2="${layout.x(tick)}" y1="${bottom}" y2="${bottom + 6}"/>`,
      `<text text-anchor="middle" x="${layout.x(tick)}" y="${bottom + 22}">${format(tick)}</text>`
    ]),
    `<text text-anchor="middle" x="${(LEFT + right) / 2}" y="${HEIGHT - 14}">${escape(x.label)}</text>`,
    `<text text-anchor="middle" transform="translate(20 ${middle}) rotate(-90)">${escape(y.label)}</text>`
  ]
}

const line = ({ color, isDashed = false, points }: Series, layout: Layout): string => {
  const at = points.map(([x, y]) => [layout.x(x), layout.y(y)] as const)
  const path = at.map(([x, y], n) => `${n === 0 ? "M" : "L"}${x} ${y}`).join(" ")
  const markers = at.map(([x, y]) => Colors.marker(color, x, y, isDashed)).join("")
  return `<g class="${color}"><path class="line${isDashed ? " dashed" : ""}" d="${path}"/>${markers}</g>`
}

/** Draws the legend of a series: a piece of its line, its marker and its name. */
const legend = ({ color, isDashed = false, name }: Series, n: number, all: ReadonlyArray<Series>): string => {
  const perColumn = Math.ceil(all.length / LEGEND_COLUMNS)
  const x = LEFT + Math.floor(n / perColumn) * COLUMN
  const y = TITLE + 24 + (n % perColumn) * LEGEND_ROW
  return [
    `<g class="${color}"><path class="line${isDashed ? " dashed" : ""}" d="M${x} ${y} L${x + 34} ${y}"/>`,
    `${Colors.marker(color, x + 17, y, isDashed)}</g>`,
    `<text class="legend" x="${x + 42}" y="${y + 4}">${escape(name)}</text>`
  ].join("")
}

const round = (value: number) => Math.round(value * 10) / 10

const escape = (text: string) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;")
