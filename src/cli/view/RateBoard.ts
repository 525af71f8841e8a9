import { BigDecimal, DateTime } from "effect"
import type { RateMessage } from "../../api/rates/RateMessage.ts"
import * as AssetPair from "../../domain/money/AssetPair.ts"
import * as Decimal from "../../domain/money/Decimal.ts"

/** A rate and its change from the previous rate of the pair. Undefined for the first rate. */
export interface Row {
  readonly rate: RateMessage
  readonly change: BigDecimal.BigDecimal | undefined
}

export const keyOf = ({ from, to }: RateMessage): string => AssetPair.keyOf(from, to)

export const rateText = ({ rate }: RateMessage): string => Decimal.format(rate)

/** Returns the row of a new rate of the same pair. A repeated rate keeps its change. */
export const nextRow = (previous: Row | undefined, rate: RateMessage): Row => {
  if (previous === undefined) return { rate, change: undefined }
  if (previous.rate.rateId === rate.rateId) return { rate, change: previous.change }
  return { rate, change: BigDecimal.subtract(rate.rate, previous.rate.rate) }
}

/** A cell of the board and its color. */
interface Cell {
  readonly text: string
  readonly color?: "green" | "red" | "yellow" | undefined
}

/** Layout of a board. */
export interface BoardLayout {
  readonly now: DateTime.Utc
  /** Maximum line width in characters. */
  readonly columns: number
  readonly isColored: boolean
  /** Significant digits of a rate. Undefined shows all digits. */
  readonly digits?: number | undefined
}

const COLORS = { green: 32, red: 31, yellow: 33 } as const
const GAP = "  "

/** Renders titles and rows as lines of equal width, aligned at the decimal point. Drops the last columns if too wide. */
export const render = (rows: ReadonlyArray<Row>, layout: BoardLayout): ReadonlyArray<string> => {
  const visibleColumns = columnsOf(rows, layout)
  const line = (cellOf: (column: Column) => Cell | undefined) =>
    visibleColumns
      .map((column) => {
        const { color, text } = cellOf(column) ?? { text: "" }
        const padded = text.padEnd(column.width)
        return layout.isColored && color !== undefined ? `\u001b[${COLORS[color]}m${padded}\u001b[0m` : padded
      })
      .join(GAP)
  return [line(({ title }) => ({ text: title })), ...rows.map((_, i) => line(({ cells }) => cells[i]))]
}

/**
 * Renders at most `height` lines: blocks of rows side by side if they fit with their changes, otherwise only the rows that
 * fit.
 */
export const renderWithin = (
  rows: ReadonlyArray<Row>,
  height: number,
  layout: BoardLayout
): ReadonlyArray<string> => {
  const maxRows = Math.max(1, height - 1)
  const blocks = Math.ceil(rows.length / maxRows)
  if (blocks <= 1) return render(rows, layout)
  const columns = Math.floor((layout.columns + GAP.length) / blocks) - GAP.length
  if (columnsOf(rows, { ...layout, columns }).length > 2) {
    const sides = Array.from({ length: blocks }, (_, i) =>
      render(rows.slice(i * maxRows, (i + 1) * maxRows), { ...layout, columns })
    )
    return Array.from({ length: maxRows + 1 }, (_, i) => sides.map((side) => side[i] ?? "").join(GAP))
  }
  const hidden = rows.length - maxRows + 1
  return [
    ...render(rows.slice(0, maxRows - 1), layout),
    `… ${hidden} more rows do not fit`.slice(0, layout.columns)
  ]
}

interface Column {
  readonly title: string
  readonly cells: ReadonlyArray<Cell>
  readonly width: number
}

/** Returns the non-empty columns that fit into the width. */
const columnsOf = (
  rows: ReadonlyArray<Row>,
  { columns, digits, now }: BoardLayout
): ReadonlyArray<Column> => {
  const roundTo = (value: BigDecimal.BigDecimal, like: BigDecimal.BigDecimal) =>
    digits === undefined ? value : BigDecimal.round(value, { scale: scaleOf(like, digits) })
  const rates = alignDecimals(rows.map(({ rate }) => Decimal.format(roundTo(rate.rate, rate.rate))))
  const changes = alignDecimals(
    rows.map(({ change, rate }) => changeText(change, change && roundTo(change, rate.rate)))
  )
  const table: ReadonlyArray<readonly [title: string, cells: ReadonlyArray<Cell>]> = [
    ["PAIR", rows.map(({ rate }) => ({ text: keyOf(rate) }))],
    ["RATE", rows.map(({ rate }, i) => ({ text: rates[i] ?? "", color: rate.stale ? "yellow" : undefined }))],
    ["CHANGE", rows.map(({ change }, i) => ({ text: changes[i] ?? "", color: changeColor(change) }))],
    ["AGE", rows.map(({ rate }) => ageCell(rate, now))],
    ["PROVIDER", rows.map(({ rate }) => ({ text: rate.provider }))]
  ]
  let remaining = columns + GAP.length
  return table
    .filter(([title, cells]) => title !== "CHANGE" || cells.some(({ text }) => text.trim() !== ""))
    .map(([title, cells]) => ({
      title,
      cells,
      width: Math.max(title.length, ...cells.map(({ text }) => text.length))
    }))
    .filter(({ width }) => {
      remaining -= width + GAP.length
      return remaining >= 0
    })
}

/** Returns the scale at which a number has at most the given significant digits. */
const scaleOf = (value: BigDecimal.BigDecimal, digits: number) =>
  Math.max(0, Math.min(value.scale, value.scale - (value.value.toString().length - digits)))

/** Formats a change with its sign after an arrow, such as `▲ +1.5`. */
export const changeText = (change: BigDecimal.BigDecimal | undefined, shown = change): string => {
  if (change === undefined || shown === undefined) return ""
  if (BigDecimal.isPositive(change)) return `▲ +${Decimal.format(shown)}`
  return BigDecimal.isNegative(change) ? `▼ ${Decimal.format(shown)}` : "= 0"
}

const changeColor = (change: BigDecimal.BigDecimal | undefined): Cell["color"] =>
  change === undefined || BigDecimal.isZero(change)
    ? undefined
    : BigDecimal.isPositive(change)
      ? "green"
      : "red"

/** Formats an age in its largest unit: `7s`, `12m`, `3h`, `2d`. */
export const ageText = (at: DateTime.Utc, now: DateTime.Utc): string => {
  const seconds = Math.floor(Math.max(0, DateTime.toEpochMillis(now) - DateTime.toEpochMillis(at)) / 1000)
  if (seconds < 60) return `${seconds}s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`
}

const ageCell = ({ fetchedAt, stale }: RateMessage, now: DateTime.Utc): Cell => {
  const age = ageText(fetchedAt, now)
  return stale ? { text: `${age} stale`, color: "yellow" } : { text: age }
}

/** Pads numbers on the left so that their decimal points align. */
const alignDecimals = (texts: ReadonlyArray<string>): ReadonlyArray<string> => {
  const integerDigits = (text: string) => text.split(".")[0]?.length ?? 0
  const width = Math.max(0, ...texts.map(integerDigits))
  return texts.map((text) => " ".repeat(width - integerDigits(text)) + text)
}
