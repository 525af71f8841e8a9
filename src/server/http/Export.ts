import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { type Cause, Effect, Stream } from "effect"
import { Csv } from "effect/encoding"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import * as Problems from "../middleware/Problems.ts"

/** How a list is told, other than by pages of JSON: whole, as a file. */
export type Format = "csv" | "ndjson"

/** The file that is asked for; none where pages are. */
export const formatOf = (accept: string | undefined): Format | undefined => {
  if (accept?.includes("text/csv")) return "csv"
  return accept?.includes("application/x-ndjson") ? "ndjson" : undefined
}

/** What a field of a row may be. */
type Value = string | number | boolean | null | ReadonlyArray<string>
/** A row whose fields can be told. */
export type Fields<Row> = { readonly [Name in keyof Row]: Value }

/** A list as a file: its name without an ending, and the fields of a row in the order of the columns. */
export interface Listing<Row extends Fields<Row>> {
  readonly name: string
  readonly columns: ReadonlyArray<keyof Row & string>
}

/** The text of a file, some lines at a time. */
export const lines = <Row extends Fields<Row>, E>(
  format: Format,
  { columns }: Listing<Row>,
  rows: Stream.Stream<Row, E>
): Stream.Stream<string, E> => {
  const each =
    format === "ndjson"
      ? Stream.map(rows, (row) => `${JSON.stringify(row)}\n`)
      : Stream.make<[ReadonlyArray<string>]>(columns).pipe(
          Stream.concat(Stream.map(rows, (row) => columns.map((column) => cellOf(row[column])))),
          Stream.pipeThroughChannel(Csv.encodeString())
        )
  return Stream.mapArray(each, (some) => [some.join("")])
}

/**
 * Sends a list as a file, as fast as it is read. A failure on the way cannot be told any more: the connection is reset
 * instead, so that nobody takes what has arrived for all of it, and the log says why. To close it is not enough, since
 * with HTTP/1.0, as some proxies speak it, that is how an answer ends.
 */
export const respond = Effect.fnUntraced(function* <Row extends Fields<Row>, E>(
  format: Format,
  listing: Listing<Row>,
  rows: Stream.Stream<Row, E>
) {
  const { socket } = NodeHttpServerRequest.toIncomingMessage(yield* HttpServerRequest.HttpServerRequest)
  const breakOff = (cause: Cause.Cause<E>) =>
    Effect.andThen(
      Effect.logWarning(`The export of ${listing.name} broke off`, cause),
      Effect.sync(() => socket.resetAndDestroy())
    )
  return HttpServerResponse.stream(
    lines(format, listing, rows).pipe(Stream.tapCause(breakOff), Stream.encodeText),
    format === "ndjson"
      ? { contentType: "application/x-ndjson" }
      : {
          contentType: "text/csv; charset=utf-8",
          headers: { "content-disposition": `attachment; filename="${listing.name}.csv"` }
        }
  )
})

/** A cell that a spreadsheet takes for text, whatever a customer wrote: what begins like a formula gets a quote before it. */
const cellOf = (value: Value) => {
  const text = value === null ? "" : typeof value === "object" ? value.join(" ") : String(value)
  return /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
}

const DEFAULT_PAGE_SIZE = 50

/** How many rows of a page are asked for. */
export const sizeOf = ({ page_size: size = DEFAULT_PAGE_SIZE }: { readonly page_size?: number }) => size

/** At most so many rows of a page, and the cursor of the next one, of what was found with one row more. */
export const pageOf = <A, Row>(
  found: ReadonlyArray<A>,
  size: number,
  fields: (item: A) => Row,
  position: (item: A) => string
) => {
  const data = found.slice(0, size)
  const last = data.at(-1)
  const next = found.length > size && last !== undefined ? cursorOf(position(last)) : null
  return { data: data.map(fields), has_more: next !== null, next }
}

/** Where a page ends, in words that only the next page understands. */
export const cursorOf = (position: string) => Buffer.from(position, "utf8").toString("base64url")

/** The longest cursor that is read. */
const MAX_CURSOR = 200

/** Where the page before ended, as `read` takes it; undefined where there was none. */
export const positionOf = <A, E>(
  cursor: string | undefined,
  read: (position: string) => Effect.Effect<A, E>
) => {
  if (cursor === undefined) return Effect.undefined
  return read(Buffer.from(cursor.slice(0, MAX_CURSOR), "base64url").toString("utf8")).pipe(
    Effect.mapError(() => Problems.invalid("/query/cursor", "must be the next of a page before"))
  )
}
