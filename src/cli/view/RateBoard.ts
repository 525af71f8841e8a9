import { BigDecimal, DateTime } from "effect"
import type { RateMessage } from "../../api/rates/RateMessage.ts"
import * as Decimal from "../../domain/money/Decimal.ts"

/** A rate, and by how much it is more or less than the one before it; none for the first of its pair. */
export interface Row {
  readonly rate: RateMessage
  readonly change: BigDecimal.BigDecimal | undefined
}

export const keyOf = ({ from, to }: RateMessage): string => `${from}:${to}`

export const rateText = ({ rate }: RateMessage): string => Decimal.format(rate)

/** The row of a rate that follows another row of its pair. A rate that was told already changes nothing. */
export const follow = (before: Row | undefined, rate: RateMessage): Row => {
  if (before === undefined) return { rate, change: undefined }
  if (before.rate.rateId === rate.rateId) return { rate, change: before.change }
  return { rate, change: BigDecimal.subtract(rate.rate, before.rate.rate) }
}

/** A cell of the board, and the colour in which it is shown. */
interface Cell {
  readonly text: string
  readonly color?: "green" | "red" | "yellow" | undefined
}

/** What a board needs besides its rows. */
export interface Frame {
  readonly now: DateTime.Utc
  /** How wide a line may be. */
  readonly columns: number
  readonly isColored: boolean
  /** How many significant digits of a rate are shown; all where it is not set. */
  readonly digits?: number | undefined
}

const COLORS = { green: 32, red: 31, yellow: 33 } as const
const GAP = "  "

/**
 * The titles and the rows as lines of one width, aligned at the decimal point; where they are too wide, without the last
 * columns.
 */
export const render = (rows: ReadonlyArray<Row>, frame: Frame): ReadonlyArray<string> => {
  const shown = columnsOf(rows, frame)
  const line = (cellOf: (column: Column) => Cell | undefined) =>
    shown
      .map((column) => {
        const { color, text } = cellOf(column) ?? { text: "" }
        const padded = text.padEnd(column.width)
        return frame.isColored && color !== undefined ? `\u001b[${COLORS[color]}m${padded}\u001b[0m` : padded
      })
      .join(GAP)
  return [line(({ title }) => ({ text: title })), ...rows.map((_, i) => line(({ cells }) => cells[i]))]
}

/** The same within a height: side by side where there is room for the changes, else without the rows that do not fit. */
export const renderWithin = (
  rows: ReadonlyArray<Row>,
  height: number,
  frame: Frame
): ReadonlyArray<string> => {
  const room = Math.max(1, height - 1)
  const blocks = Math.ceil(rows.length / room)
  if (blocks <= 1) return render(rows, frame)
  const columns = Math.floor((frame.columns + GAP.length) / blocks) - GAP.length
  if (columnsOf(rows, { ...frame, columns }).length > 2) {
    const sides = Array.from({ length: blocks }, (_, i) =>
      render(rows.slice(i * room, (i + 1) * room), { ...frame, columns })
    )
    return Array.from({ length: room + 1 }, (_, i) => sides.map((side) => side[i] ?? "").join(GAP))
  }
  const left = rows.length - room + 1
  return [
    ...render(rows.slice(0, room - 1), frame),
    `… ${left} more, for which there is no room`.slice(0, frame.columns)
  ]
}

interface Column {
  readonly title: string
  readonly cells: ReadonlyArray<Cell>
  readonly width: number
}

/** The columns that say something, and for which there is room. */
const columnsOf = (rows: ReadonlyArray<Row>, { columns, digits, now }: Frame): ReadonlyArray<Column> => {
  const short = (value: BigDecimal.BigDecimal, like: BigDecimal.BigDecimal) =>
    digits === undefined ? value : BigDecimal.round(value, { scale: scaleOf(like, digits) })
  const rates = aligned(rows.map(({ rate }) => Decimal.format(short(rate.rate, rate.rate))))
  const changes = aligned(
    rows.map(({ change, rate }) => changeText(change, change && short(change, rate.rate)))
  )
  const table: ReadonlyArray<readonly [title: string, cells: ReadonlyArray<Cell>]> = [
    ["PAIR", rows.map(({ rate }) => ({ text: keyOf(rate) }))],
    ["RATE", rows.map(({ rate }, i) => ({ text: rates[i] ?? "", color: rate.stale ? "yellow" : undefined }))],
    ["CHANGE", rows.map(({ change }, i) => ({ text: changes[i] ?? "", color: changeColor(change) }))],
    ["AGE", rows.map(({ rate }) => ageCell(rate, now))],
    ["PROVIDER", rows.map(({ rate }) => ({ text: rate.provider }))]
  ]
  let left = columns + GAP.length
  return table
    .filter(([title, cells]) => title !== "CHANGE" || cells.some(({ text }) => text.trim() !== ""))
    .map(([title, cells]) => ({
      title,
      cells,
      width: Math.max(title.length, ...cells.map(({ text }) => text.length))
    }))
    .filter(({ width }) => {
      left -= width + GAP.length
      return left >= 0
    })
}

/** How many decimals leave so many significant digits of a number. */
const scaleOf = (value: BigDecimal.BigDecimal, digits: number) =>
  Math.max(0, Math.min(value.scale, value.scale - (value.value.toString().length - digits)))

/** A change with its sign, after an arrow that shows it from afar. */
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

/** Short enough to be read at a glance: `7s`, `12m`, `3h`, `2d`. */
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

/** Numbers under each other, so that their decimal points are too. */
const aligned = (texts: ReadonlyArray<string>): ReadonlyArray<string> => {
  const before = (text: string) => text.split(".")[0]?.length ?? 0
  const width = Math.max(0, ...texts.map(before))
  return texts.map((text) => " ".repeat(width - before(text)) + text)
}
