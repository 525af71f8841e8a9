/** One line of a chart. `color` is the name of a CSS variable. */
export interface Line {
  readonly name: string
  readonly color: string
  readonly points: ReadonlyArray<readonly [x: number, y: number]>
}

export interface LineChart {
  readonly title: string
  readonly description: string
  readonly x: {
    readonly label: string
    readonly ticks: ReadonlyArray<readonly [value: number, label: string]>
  }
  readonly y: { readonly label: string; readonly isLog: boolean; readonly unit: string }
  readonly lines: ReadonlyArray<Line>
}

const WIDTH = 880
const HEIGHT = 320
const LEFT = 64
/** Room for the names of the lines. */
const RIGHT = 112
const TOP = 16
const BOTTOM = 44
const NAME_HEIGHT = 15

/** Renders a chart as a figure of a page whose styles define the colors. */
export const render = ({ description, lines, title, x, y }: LineChart): string => {
  const points = lines.flatMap(({ points }) => points)
  const xs = [...x.ticks.map(([value]) => value), ...points.map(([value]) => value)]
  const [firstX, lastX] = [Math.min(...xs), Math.max(...xs)]
  const scale = y.isLog
    ? logScale(points.map(([, value]) => value))
    : linearScale(points.map(([, value]) => value))
  const toX = (value: number) =>
    round(LEFT + ((value - firstX) / (lastX - firstX || 1)) * (WIDTH - LEFT - RIGHT))
  const toY = (value: number) => round(HEIGHT - BOTTOM - scale.position(value) * (HEIGHT - BOTTOM - TOP))
  const grid = scale.ticks.map(
    (tick) =>
      `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${toY(tick)}" y2="${toY(tick)}"/>` +
      `<text class="end" x="${LEFT - 8}" y="${toY(tick) + 4}">${number(tick)}</text>`
  )
  const xTicks = x.ticks.map(
    ([value, label]) =>
      `<text class="middle" x="${toX(value)}" y="${HEIGHT - BOTTOM + 18}">${escape(label)}</text>`
  )
  const paths = lines.map(({ color, points }) => {
    const path = points.map(([px, py], n) => `${n === 0 ? "M" : "L"}${toX(px)} ${toY(py)}`).join("")
    return `<path class="line" style="stroke:var(--${color})" d="${path}"/>`
  })
  return [
    `<figure><figcaption><h2>${escape(title)}</h2><p>${escape(description)}</p></figcaption>`,
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escape(`${title}. ${description}`)}">`,
    ...grid,
    ...xTicks,
    `<text class="middle" x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 6}">${escape(x.label)}</text>`,
    `<text class="middle" transform="translate(14 ${(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)">${escape(y.label)}</text>`,
    ...paths,
    ...namesOf(lines, toX, toY, y.unit),
    "</svg></figure>"
  ].join("\n")
}

/** Room of a piece of the line before its name. */
const KEY_WIDTH = 16

/** The names at the right, with a piece of their lines: at the heights of the last points, or moved apart. */
const namesOf = (
  lines: ReadonlyArray<Line>,
  toX: (value: number) => number,
  toY: (value: number) => number,
  unit: string
) => {
  const ends = lines
    .flatMap((line) => {
      const last = line.points.at(-1)
      return last === undefined ? [] : [{ line, x: toX(last[0]), y: toY(last[1]), value: last[1] }]
    })
    .toSorted((a, b) => a.y - b.y)
  let above = -Infinity
  const placed = ends.map((end) => {
    above = Math.max(end.y, above + NAME_HEIGHT)
    return { ...end, labelY: above }
  })
  const overflow = Math.max(0, above - (HEIGHT - BOTTOM))
  const keyX = WIDTH - RIGHT + 8
  return placed.map(({ labelY, line, value, x, y }) => {
    const nameY = round(labelY - overflow)
    return (
      `<circle cx="${x}" cy="${y}" r="3" style="fill:var(--${line.color})"/>` +
      `<path class="line" style="stroke:var(--${line.color})" d="M${keyX} ${nameY}h${KEY_WIDTH - 4}"/>` +
      `<text class="name" x="${keyX + KEY_WIDTH}" y="${nameY + 4}">${escape(line.name)}<title>${number(value)} ${unit}</title></text>`
    )
  })
}

interface Scale {
  readonly ticks: ReadonlyArray<number>
  /** From 0 (bottom) to 1 (top). */
  readonly position: (value: number) => number
}

const linearScale = (values: ReadonlyArray<number>): Scale => {
  const max = Math.max(1e-9, ...values)
  const power = 10 ** Math.floor(Math.log10(max / 4))
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= max / 4) ?? 10)
  const count = Math.ceil(max / step)
  return {
    ticks: Array.from({ length: count + 1 }, (_, n) => n * step),
    position: (value) => value / (count * step)
  }
}

/** From one of 1, 2 and 5 times a power of ten to another. */
const logScale = (values: ReadonlyArray<number>): Scale => {
  const positive = values.filter((value) => value > 0)
  const [min, max] = positive.length === 0 ? [1, 10] : [Math.min(...positive), Math.max(...positive)]
  const first = Math.floor(Math.log10(min))
  const powers = Array.from({ length: Math.ceil(Math.log10(max)) - first + 2 }, (_, n) => 10 ** (first + n))
  const steps = powers.flatMap((power) => [power, 2 * power, 5 * power])
  const low = steps.findLast((step) => step <= min) ?? min
  const high = steps.find((step) => step >= max && step > low) ?? max
  const inside = (ticks: ReadonlyArray<number>) => ticks.filter((tick) => tick >= low && tick <= high)
  const all = inside(steps)
  return {
    ticks: all.length > 6 ? inside(powers) : all,
    position: (value) => Math.log(Math.max(value, low) / low) / Math.log(high / low)
  }
}

/** Formats a number with three digits, and spaces between thousands. */
export const number = (value: number): string =>
  value >= 1000
    ? String(Math.round(value)).replaceAll(/\B(?=(\d{3})+$)/g, " ")
    : String(Number(value.toPrecision(3)))

export const escape = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;")

const round = (value: number) => Math.round(value * 10) / 10
