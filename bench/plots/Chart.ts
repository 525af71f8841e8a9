import { type Axis, divide, type Divided, format } from "./Axis.ts"
import * as Colours from "./Colours.ts"

/** A line of a chart. */
export interface Series {
  readonly name: string
  readonly colour: Colours.Colour
  readonly isDashed?: boolean
  readonly points: ReadonlyArray<readonly [x: number, y: number]>
}

/** Lines over two axes. */
export interface Chart {
  /** The name of its file, without an ending. */
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
/** The legend stands in columns. */
const LEGEND_COLUMNS = 3
const COLUMN = (WIDTH - LEFT - RIGHT) / LEGEND_COLUMNS

/** The chart as SVG, which suits a light page as well as a dark one. */
export const toSvg = (chart: Chart): string => {
  const { series, title, x, y } = chart
  const points = series.flatMap(({ points }) => points)
  const rows = Math.ceil(series.length / LEGEND_COLUMNS)
  const top = TITLE + rows * LEGEND_ROW + 30
  const across = divide(
    x.scale,
    points.map(([value]) => value)
  )
  const up = divide(
    y.scale,
    points.map(([, value]) => value)
  )
  const place: Place = {
    top,
    x: (value) => rounded(LEFT + across.at(value) * (WIDTH - LEFT - RIGHT)),
    y: (value) => rounded(HEIGHT - BOTTOM - up.at(value) * (HEIGHT - BOTTOM - top))
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" aria-label="${escaped(title)}">`,
    `<style>${Colours.css}</style>`,
    `<rect class="paper" width="${WIDTH}" height="${HEIGHT}" rx="6"/>`,
    `<text class="title" x="${LEFT}" y="${TITLE}">${escaped(title)}</text>`,
    ...series.map(legend),
    ...axes(chart, across, up, place),
    ...series.map((one) => line(one, place)),
    "</svg>",
    ""
  ].join("\n")
}

/** Where values stand in the picture. */
interface Place {
  readonly top: number
  readonly x: (value: number) => number
  readonly y: (value: number) => number
}

const axes = ({ x, y }: Chart, across: Divided, up: Divided, place: Place): ReadonlyArray<string> => {
  const [bottom, right] = [HEIGHT - BOTTOM, WIDTH - RIGHT]
  const middle = (place.top + bottom) / 2
  return [
    ...up.ticks.flatMap((tick) => [
      `<line class="grid" x1="${LEFT}" x2="${right}" y1="${place.y(tick)}" y2="${place.y(tick)}"/>`,
      `<text text-anchor="end" x="${LEFT - 10}" y="${place.y(tick) + 4}">${format(tick)}</text>`
    ]),
    ...across.ticks.flatMap((tick) => [
      `<line class="grid" x1="${place.x(tick)}" x2="${place.x(tick)}" y1="${bottom}" y2="${bottom + 6}"/>`,
      `<text text-anchor="middle" x="${place.x(tick)}" y="${bottom + 22}">${format(tick)}</text>`
    ]),
    `<text text-anchor="middle" x="${(LEFT + right) / 2}" y="${HEIGHT - 14}">${escaped(x.label)}</text>`,
    `<text text-anchor="middle" transform="translate(20 ${middle}) rotate(-90)">${escaped(y.label)}</text>`
  ]
}

const line = ({ colour, isDashed = false, points }: Series, place: Place): string => {
  const at = points.map(([x, y]) => [place.x(x), place.y(y)] as const)
  const path = at.map(([x, y], n) => `${n === 0 ? "M" : "L"}${x} ${y}`).join(" ")
  const marks = at.map(([x, y]) => Colours.mark(colour, x, y, isDashed)).join("")
  return `<g class="${colour}"><path class="line${isDashed ? " dashed" : ""}" d="${path}"/>${marks}</g>`
}

/** A piece of the line, its mark and its name. */
const legend = (
  { colour, isDashed = false, name }: Series,
  n: number,
  all: ReadonlyArray<Series>
): string => {
  const perColumn = Math.ceil(all.length / LEGEND_COLUMNS)
  const x = LEFT + Math.floor(n / perColumn) * COLUMN
  const y = TITLE + 24 + (n % perColumn) * LEGEND_ROW
  return [
    `<g class="${colour}"><path class="line${isDashed ? " dashed" : ""}" d="M${x} ${y} L${x + 34} ${y}"/>`,
    `${Colours.mark(colour, x + 17, y, isDashed)}</g>`,
    `<text class="legend" x="${x + 42}" y="${y + 4}">${escaped(name)}</text>`
  ].join("")
}

const rounded = (value: number) => Math.round(value * 10) / 10

const escaped = (text: string) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;")
