import { Console } from "effect"
import * as Table from "./Table.ts"

type Fields = Readonly<Record<string, unknown>>

/** Prints a record as two columns, or as JSON. */
export const print = (fields: Fields, json: boolean) =>
  Console.log(json ? JSON.stringify(fields) : Table.render(fields))

/** Prints records as a table, or as a JSON array. `none` says that there are none. */
export const printAll = (rows: ReadonlyArray<Fields>, json: boolean, none: string) => {
  if (json) return Console.log(JSON.stringify(rows))
  return Console.log(rows.length === 0 ? none : Table.renderRows(rows))
}

/** Prints a record with its history below it, or both as JSON. */
export const printWithHistory = (fields: Fields, history: ReadonlyArray<Fields>, json: boolean) =>
  Console.log(
    json ? JSON.stringify({ ...fields, history }) : `${Table.render(fields)}\n\n${Table.renderRows(history)}`
  )
