import { DateTime, Option, Result, Schema } from "effect"
import { parseInstant } from "../../domain/rates/ImportRow.ts"
import { Contradictory, excerpt, Malformed, ofStatus, type ProviderReason } from "../ProviderError.ts"
import * as ResponseJson from "../ResponseJson.ts"
import type { TableQuote, TableQuotes } from "../table/RateTable.ts"
import * as TableResponse from "../table/TableResponse.ts"

/** The fields of a row are checked one by one, so that a bad row fails only its currency. */
const Row = Schema.Struct({
  date: Schema.optionalKey(Schema.Unknown),
  base: Schema.optionalKey(Schema.Unknown),
  quote: Schema.String,
  rate: Schema.optionalKey(Schema.Unknown)
})
type Row = typeof Row.Type
const Failure = Schema.Struct({ message: Schema.String })

const decodeRows = Schema.decodeUnknownOption(Schema.Array(Schema.Unknown))
const decodeRow = Schema.decodeUnknownOption(Row)
const decodeFailure = Schema.decodeUnknownOption(Failure)

/** Quotes of one day. */
export interface QuotedDay {
  /** Start of the day, in UTC. */
  readonly day: DateTime.Utc
  readonly quotes: TableQuotes
}

/** A year of all currencies has fewer rows. */
const MAX_ROWS = 200_000

/** Reads a response of `GET /v2/rates`. It has one row per currency, which counts as quoted at the end of its day. */
export const read = (
  response: TableResponse.RawResponse,
  request: TableResponse.TableRequest
): Result.Result<TableQuotes, ProviderReason> =>
  Result.map(readRows(response), (rows) => {
    const quotes = new Map<string, Cell>()
    for (const row of rows) {
      const quote = Result.flatMap(dayOf(row.date), (day) =>
        quoteOf(row, request, DateTime.endOf(day, "day"))
      )
      quotes.set(row.quote, merge(row.quote, quotes.get(row.quote), quote))
    }
    return TableResponse.quotesOf(request, (currency) => quotes.get(currency))
  })

/**
 * Reads a response of `GET /v2/rates` with `from` and `to`. Returns the days, oldest first. Frankfurter also sends the
 * working day before `from` when `from` is not a working day; it is left out.
 */
export const readDays = (
  response: TableResponse.RawResponse,
  request: TableResponse.TableRequest & { readonly from: string; readonly to: string }
): Result.Result<ReadonlyArray<QuotedDay>, ProviderReason> =>
  Result.gen(function* () {
    const days = new Map<number, Map<string, Cell>>()
    for (const row of yield* readRows(response)) {
      // A rate without a date belongs to no day, not even as a failure.
      const day = yield* dayOf(row.date)
      const date = DateTime.formatIso(day).slice(0, 10)
      if (date < request.from || date > request.to) continue
      const millis = DateTime.toEpochMillis(day)
      const quotes = days.get(millis) ?? new Map<string, Cell>()
      quotes.set(row.quote, merge(row.quote, quotes.get(row.quote), quoteOf(row, request, day)))
      days.set(millis, quotes)
    }
    return Array.from(days.keys())
      .toSorted((a, b) => a - b)
      .map((millis) => ({
        day: DateTime.makeUnsafe(millis),
        quotes: TableResponse.quotesOf(request, (currency) => days.get(millis)?.get(currency))
      }))
  })

type Cell = Result.Result<TableQuote, ProviderReason>

const quoteOf = (row: Row, request: TableResponse.TableRequest, quotedAt: DateTime.Utc): Cell =>
  row.base === request.pivot
    ? TableResponse.quoteOf(row.rate, quotedAt)
    : TableResponse.unexpectedBase(request, ResponseJson.describe(row.base))

/** Combines the rows of one currency. Fails when they differ. */
const merge = (currency: string, first: Cell | undefined, second: Cell): Cell =>
  first === undefined || isSame(first, second)
    ? second
    : Result.fail(new Contradictory({ detail: `${excerpt(currency)} appears twice, with different values` }))

const isSame = (a: Cell, b: Cell) =>
  Result.isSuccess(a) &&
  Result.isSuccess(b) &&
  a.success.text === b.success.text &&
  DateTime.Equivalence(a.success.quotedAt, b.success.quotedAt)

const readRows = ({
  body,
  ...response
}: TableResponse.RawResponse): Result.Result<ReadonlyArray<Row>, ProviderReason> => {
  const json = ResponseJson.parse(body, MAX_ROWS)
  if (response.status < 200 || response.status >= 300) {
    const failure = Option.flatMap(json, decodeFailure)
    const detail = Option.match(failure, { onNone: () => body, onSome: ({ message }) => message })
    return Result.fail(ofStatus(response, detail))
  }
  const found = Option.flatMap(json, decodeRows)
  if (Option.isNone(found)) return Result.fail(ResponseJson.rejection(body, json))
  const rows = found.value.flatMap((row) => Option.toArray(decodeRow(row)))
  return rows.length === 0 && found.value.length > 0
    ? Result.fail(ResponseJson.rejection(body, json))
    : Result.succeed(rows)
}

const dayOf = (date: unknown): Result.Result<DateTime.Utc, ProviderReason> => {
  const day =
    typeof date === "string" && date.length === "2024-01-15".length ? parseInstant(date) : Option.none()
  return Option.match(day, {
    onNone: () => Result.fail(new Malformed({ detail: `${ResponseJson.describe(date)} is not a date` })),
    onSome: (millis) => Result.succeed(DateTime.makeUnsafe(millis))
  })
}
