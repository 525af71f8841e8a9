import type { Transaction } from "../../../src/client/promise/wallets/WalletValues.ts"

/** One row of the statement: a movement, or both sides of a conversion. */
export interface StatementRow {
  readonly key: string
  readonly id: string
  readonly type: string
  readonly createdAt: Date
  /** What left the wallet comes first. */
  readonly movements: readonly [Transaction, ...ReadonlyArray<Transaction>]
}

export interface StatementDay {
  /** First moment of the day, in the time zone of the reader. */
  readonly start: Date
  readonly rows: ReadonlyArray<StatementRow>
}

/** Identifies a movement: both sides of a conversion have the same id. */
export const keyOf = ({ asset, balance, change, id }: Transaction): string =>
  `${id} ${asset} ${change} ${balance}`

const isOutgoing = ({ change }: Transaction) => change.startsWith("-")

/** Joins the movements of each transaction to one row. The movements are newest first. */
export const rowsOf = (movements: ReadonlyArray<Transaction>): ReadonlyArray<StatementRow> => {
  const rows = new Map<string, StatementRow>()
  for (const movement of movements) {
    const { createdAt, id, type } = movement
    const joined = rows.get(id)?.movements ?? []
    const [first = movement, ...others] = [...joined, movement].toSorted(
      (a, b) => Number(isOutgoing(b)) - Number(isOutgoing(a))
    )
    rows.set(id, { key: id, id, type, createdAt, movements: [first, ...others] })
  }
  return [...rows.values()]
}

const startOfDay = (time: Date) => new Date(time.getFullYear(), time.getMonth(), time.getDate())

/** Groups rows, newest first, by the days of the reader. */
export const daysOf = (rows: ReadonlyArray<StatementRow>): ReadonlyArray<StatementDay> => {
  const days = new Map<number, { readonly start: Date; readonly rows: Array<StatementRow> }>()
  for (const row of rows) {
    const start = startOfDay(row.createdAt)
    const day = days.get(start.getTime()) ?? { start, rows: [] }
    day.rows.push(row)
    days.set(start.getTime(), day)
  }
  return [...days.values()]
}

/** Filters of the statement, as the address has them: codes, and days such as `2026-11-30`. */
export interface StatementFilter {
  readonly asset: string
  readonly type: string
  readonly since: string
  readonly until: string
}

const DAY = /^\d{4}-\d{2}-\d{2}$/

/** Returns the first moment of a day, in the time zone of the reader. Undefined if the text is not a day. */
export const startOf = (day: string, plusDays = 0): Date | undefined => {
  if (!DAY.test(day)) return undefined
  const [year = 0, month = 1, date = 1] = day.split("-").map((part) => Number.parseInt(part))
  const start = new Date(year, month - 1, date)
  if (start.getMonth() !== month - 1) return undefined
  return new Date(year, month - 1, date + plusDays)
}

/** Returns the range of a filter. `until` is the last day, inclusive. */
export const rangeOf = ({ since, until }: StatementFilter) => ({
  since: startOf(since),
  until: startOf(until, 1)
})

/** Returns true for a movement that a filter selects. */
export const isSelected = (movement: Transaction, filter: StatementFilter): boolean => {
  const { since, until } = rangeOf(filter)
  return (
    (filter.asset === "" || movement.asset === filter.asset) &&
    (filter.type === "" || movement.type === filter.type) &&
    (since === undefined || movement.createdAt >= since) &&
    (until === undefined || movement.createdAt < until)
  )
}
