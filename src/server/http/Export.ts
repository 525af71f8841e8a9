import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { type Cause, Effect, Stream } from "effect"
import { Csv } from "effect/encoding"
import { HttpServerRequest, HttpServerResponse } from "effect/http"

/** File format of a complete list. */
export type Format = "csv" | "ndjson"

/** Returns the format that an `Accept` header requests, or undefined for JSON pages. */
export const formatOf = (accept: string | undefined): Format | undefined => {
  if (accept?.includes("text/csv")) return "csv"
  return accept?.includes("application/x-ndjson") ? "ndjson" : undefined
}

type Value = string | number | boolean | null | ReadonlyArray<string>
/** A row with fields that CSV can represent. */
export type Fields<Row> = { readonly [Name in keyof Row]: Value }

/** Layout of an exported file. */
export interface Layout<Row extends Fields<Row>> {
  /** File name without extension. */
  readonly name: string
  /** Columns of CSV, in order. */
  readonly columns: ReadonlyArray<keyof Row & string>
}

/** Encodes rows as lines, several per chunk. */
export const encode = <Row extends Fields<Row>, E>(
  format: Format,
  { columns }: Layout<Row>,
  rows: Stream.Stream<Row, E>
): Stream.Stream<string, E> => {
  const lines =
    format === "ndjson"
      ? Stream.map(rows, (row) => `${JSON.stringify(row)}\n`)
      : Stream.make<[ReadonlyArray<string>]>(columns).pipe(
          Stream.concat(Stream.map(rows, (row) => columns.map((column) => toCell(row[column])))),
          Stream.pipeThroughChannel(Csv.encodeString())
        )
  return Stream.mapArray(lines, (chunk) => [chunk.join("")])
}

/**
 * Streams rows as a file, with back-pressure. When the rows fail after the response has started, the connection is reset
 * and the failure is logged, so that the client does not mistake a truncated file for a complete one. Closing the
 * connection is not enough, because it is the regular end of an HTTP/1.0 response, which some proxies request.
 */
export const respond = Effect.fnUntraced(function* <Row extends Fields<Row>, E>(
  format: Format,
  layout: Layout<Row>,
  rows: Stream.Stream<Row, E>
) {
  const { socket } = NodeHttpServerRequest.toIncomingMessage(yield* HttpServerRequest.HttpServerRequest)
  const abort = (cause: Cause.Cause<E>) =>
    Effect.andThen(
      Effect.logWarning(`The export of ${layout.name} failed; the connection is reset`, cause),
      Effect.sync(() => socket.resetAndDestroy())
    )
  return HttpServerResponse.stream(
    encode(format, layout, rows).pipe(Stream.tapCause(abort), Stream.encodeText),
    format === "ndjson"
      ? { contentType: "application/x-ndjson" }
      : {
          contentType: "text/csv; charset=utf-8",
          headers: { "content-disposition": `attachment; filename="${layout.name}.csv"` }
        }
  )
})

/** Formats a CSV cell. Text that a spreadsheet would run as a formula is prefixed with a quote. */
const toCell = (value: Value) => {
  const text = value === null ? "" : typeof value === "object" ? value.join(" ") : String(value)
  return /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
}
