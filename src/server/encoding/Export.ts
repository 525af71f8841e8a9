import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { type Cause, Effect, Stream } from "effect"
import { Csv } from "effect/encoding"
import { HttpEffect, HttpServerRequest, HttpServerResponse } from "effect/http"
import { HeavyRequests } from "../middleware/limits/HeavyRequests.ts"
import * as ContentNegotiation from "./ContentNegotiation.ts"

/** File format of a complete list. */
export type Format = "csv" | "ndjson"

/** Returns the format that an `Accept` header prefers, or undefined for JSON. */
const preferredOf =
  <A>(formats: Readonly<Record<string, A>>) =>
  (accept: string | undefined): A | undefined =>
    formats[ContentNegotiation.preferredType(accept, ["application/json", ...Object.keys(formats)]) ?? ""]

const FORMATS: Readonly<Record<string, Format>> = { "text/csv": "csv", "application/x-ndjson": "ndjson" }

/** Returns the format of a list that an `Accept` header prefers, or undefined for JSON pages. */
export const preferredFormat = preferredOf(FORMATS)

/** Returns the format of a document that an `Accept` header prefers, or undefined for JSON. Browsers prefer a page. */
export const preferredDocumentFormat = preferredOf<Format | "html">({ ...FORMATS, "text/html": "html" })

/** Caches keep the formats of an address apart by the `Vary` header of the response. */
const varyByAccept = HttpEffect.appendPreResponseHandler((_request, response) =>
  Effect.succeed(HttpServerResponse.setHeader(response, "vary", withAccept(response.headers["vary"])))
)

/** Like {@link preferredFormat}, and adds the `Vary` header to the response. */
export const negotiate = (accept: string | undefined) => Effect.as(varyByAccept, preferredFormat(accept))

/** Like {@link preferredDocumentFormat}, and adds the `Vary` header to the response. */
export const negotiateDocument = (accept: string | undefined) =>
  Effect.as(varyByAccept, preferredDocumentFormat(accept))

const withAccept = (vary: string | undefined) => (vary === undefined ? "Accept" : `Accept, ${vary}`)

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
 * Streams text, with back-pressure and the pauses of `HeavyRequests`. When it fails after the response has started, the
 * connection is reset and the failure is logged, so that the client does not mistake a truncated file for a complete one.
 * Closing the connection is not enough, because it is the regular end of an HTTP/1.0 response, which some proxies request.
 */
export const respondText = Effect.fnUntraced(function* <E>(
  name: string,
  text: Stream.Stream<string, E>,
  options: HttpServerResponse.Options.WithContentType
) {
  const { socket } = NodeHttpServerRequest.toIncomingMessage(yield* HttpServerRequest.HttpServerRequest)
  const { pace } = yield* HeavyRequests
  const abort = (cause: Cause.Cause<E>) =>
    Effect.andThen(
      Effect.logWarning(`The export of ${name} failed; the connection is reset`, cause),
      Effect.sync(() => socket.resetAndDestroy())
    )
  return HttpServerResponse.stream(pace(text).pipe(Stream.tapCause(abort), Stream.encodeText), options)
})

/** Streams rows as a file; see {@link respondText}. */
export const respond = <Row extends Fields<Row>, E>(
  format: Format,
  layout: Layout<Row>,
  rows: Stream.Stream<Row, E>
) =>
  respondText(
    layout.name,
    encode(format, layout, rows),
    format === "ndjson"
      ? { contentType: "application/x-ndjson" }
      : {
          contentType: "text/csv; charset=utf-8",
          headers: { "content-disposition": `attachment; filename="${layout.name}.csv"` }
        }
  )

/**
 * Places where a spreadsheet would begin a formula: at the start of a cell, and after a semicolon or tab, because some
 * programs split cells there. Some also convert the full-width forms of `=`, `+`, `-` and `@`.
 */
const FORMULA_STARTS = /(?<=^|[;\t\r\n])(?=\s*[=+\-@\uff1d\uff0b\uff0d\uff20])|^(?=[\t\r\n])/g

/** A negative amount is no formula, and a program that reads the file needs its digits as they are. */
const NUMBER = /^-?\d+(\.\d+)?$/

/** Formats a CSV cell. Inserts a quote where a spreadsheet would begin a formula, so that it shows text. */
const toCell = (value: Value) => {
  const text = value === null ? "" : typeof value === "object" ? value.join(" ") : String(value)
  return NUMBER.test(text) ? text : text.replaceAll(FORMULA_STARTS, "'")
}
