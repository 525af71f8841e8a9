import { DateTime, Option, Result, Schema } from "effect"
import * as ExactJson from "../../domain/money/ExactJson.ts"
import { parseInstant } from "../../domain/rates/ImportRow.ts"
import { excerpt, Malformed, malformed, ofStatus, type ProviderReason } from "../ProviderError.ts"
import type { TableQuotes } from "../table/RateTable.ts"
import * as TableResponse from "../table/TableResponse.ts"

const Row = Schema.Struct({
  date: Schema.String.check(Schema.isPattern(/^\d{4}-\d{2}-\d{2}$/)),
  base: Schema.String,
  quote: Schema.String,
  rate: Schema.String
})
const Failure = Schema.Struct({ message: Schema.String })

const decodeRows = Schema.decodeUnknownOption(Schema.Array(Row))
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
  Result.gen(function* () {
    const found = new Map<string, { readonly text: string; readonly quotedAt: DateTime.Utc }>()
    for (const { date, quote, rate } of yield* readRows(response, request)) {
      if (found.has(quote)) {
        return yield* Result.fail(new Malformed({ detail: `${excerpt(quote)} appears twice` }))
      }
      found.set(quote, { text: rate, quotedAt: DateTime.endOf(yield* dayOf(date), "day") })
    }
    return yield* TableResponse.quotesOf(request, (currency) => found.get(currency))
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
    const days = new Map<string, Map<string, string>>()
    for (const { date, quote, rate } of yield* readRows(response, request)) {
      if (date < request.from || date > request.to) continue
      const rates = days.get(date) ?? new Map<string, string>()
      if (rates.has(quote)) {
        return yield* Result.fail(new Malformed({ detail: `${excerpt(quote)} appears twice on ${date}` }))
      }
      days.set(date, rates.set(quote, rate))
    }
    const quotedDays: Array<QuotedDay> = []
    for (const date of Array.from(days.keys()).toSorted()) {
      const day = yield* dayOf(date)
      const quotes = yield* TableResponse.quotesOf(request, (currency) => {
        const text = days.get(date)?.get(currency)
        return text === undefined ? undefined : { text, quotedAt: day }
      })
      quotedDays.push({ day, quotes })
    }
    return quotedDays
  })

const readRows = (
  response: TableResponse.RawResponse,
  request: TableResponse.TableRequest
): Result.Result<ReadonlyArray<typeof Row.Type>, ProviderReason> => {
  const { body, status } = response
  const json = ExactJson.parse(body, undefined, MAX_ROWS)
  if (status < 200 || status >= 300) {
    const failure = Option.flatMap(json, decodeFailure)
    const detail = Option.match(failure, { onNone: () => body, onSome: ({ message }) => message })
    return Result.fail(ofStatus(response, detail))
  }
  const rows = Option.flatMap(json, decodeRows)
  if (Option.isNone(rows)) return Result.fail(malformed(body, json))
  const unexpected = rows.value.find(({ base }) => base !== request.pivot)
  return unexpected === undefined
    ? Result.succeed(rows.value)
    : TableResponse.unexpectedBase(request, unexpected.base)
}

const dayOf = (date: string): Result.Result<DateTime.Utc, ProviderReason> =>
  Option.match(parseInstant(date), {
    onNone: () => Result.fail(new Malformed({ detail: `${date} is not a date` })),
    onSome: (day) => Result.succeed(DateTime.makeUnsafe(day))
  })
