import { DateTime, Option, Result, Schema } from "effect"
import * as ExactJson from "../../domain/money/ExactJson.ts"
import { parseInstant } from "../../domain/rates/ImportRow.ts"
import { excerpt, Malformed, malformed, ofStatus, type ProviderReason } from "../ProviderError.ts"
import type { Quotes } from "../table/RateTable.ts"
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

/** What Frankfurter quotes on one day. */
export interface QuotedDay {
  /** The first moment of the day, in UTC. */
  readonly day: DateTime.Utc
  readonly quotes: Quotes
}

/** More rows than a year of every currency has. */
const MAX_ROWS = 200_000

/** Reads an answer of `GET /v2/rates`: a row for each currency, quoted by the end of its day. */
export const read = (
  response: TableResponse.Response,
  asked: TableResponse.Asked
): Result.Result<Quotes, ProviderReason> =>
  Result.gen(function* () {
    const found = new Map<string, { readonly text: string; readonly quotedAt: DateTime.Utc }>()
    for (const { date, quote, rate } of yield* readRows(response, asked)) {
      if (found.has(quote)) {
        return yield* Result.fail(new Malformed({ detail: `${excerpt(quote)} is there twice` }))
      }
      found.set(quote, { text: rate, quotedAt: DateTime.endOf(yield* dayOf(date), "day") })
    }
    return yield* TableResponse.quotesOf(asked, (currency) => found.get(currency))
  })

/**
 * Reads an answer of `GET /v2/rates` with `from` and `to`: the days, oldest first. Frankfurter answers with the day
 * before `from` as well where `from` itself is none of its days: it is left out.
 */
export const readDays = (
  response: TableResponse.Response,
  asked: TableResponse.Asked & { readonly from: string; readonly to: string }
): Result.Result<ReadonlyArray<QuotedDay>, ProviderReason> =>
  Result.gen(function* () {
    const days = new Map<string, Map<string, string>>()
    for (const { date, quote, rate } of yield* readRows(response, asked)) {
      if (date < asked.from || date > asked.to) continue
      const rates = days.get(date) ?? new Map<string, string>()
      if (rates.has(quote)) {
        return yield* Result.fail(new Malformed({ detail: `${excerpt(quote)} is there twice on ${date}` }))
      }
      days.set(date, rates.set(quote, rate))
    }
    const quotedDays: Array<QuotedDay> = []
    for (const date of Array.from(days.keys()).toSorted()) {
      const day = yield* dayOf(date)
      const quotes = yield* TableResponse.quotesOf(asked, (currency) => {
        const text = days.get(date)?.get(currency)
        return text === undefined ? undefined : { text, quotedAt: day }
      })
      quotedDays.push({ day, quotes })
    }
    return quotedDays
  })

const readRows = (
  response: TableResponse.Response,
  asked: TableResponse.Asked
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
  const other = rows.value.find(({ base }) => base !== asked.pivot)
  return other === undefined ? Result.succeed(rows.value) : TableResponse.otherBase(asked, other.base)
}

const dayOf = (date: string): Result.Result<DateTime.Utc, ProviderReason> =>
  Option.match(parseInstant(date), {
    onNone: () => Result.fail(new Malformed({ detail: `${date} is no date` })),
    onSome: (day) => Result.succeed(DateTime.makeUnsafe(day))
  })
