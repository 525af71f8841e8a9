import { DateTime, Duration, Effect, Option, Schema, Stream } from "effect"
import { HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { Api } from "../../api/Api.ts"
import * as Problem from "../../api/Problem.ts"
import * as CurrencyPair from "../../domain/money/CurrencyPair.ts"
import * as History from "../../domain/rates/History.ts"
import { RateId } from "../../domain/rates/Rate.ts"
import { MIN_TIME, RateHistory } from "../../rates/history/RateHistory.ts"
import * as HistoryEncoding from "./HistoryEncoding.ts"
import * as Export from "./Export.ts"
import * as Pagination from "./Pagination.ts"
import * as Problems from "../middleware/Problems.ts"

/** A page of days reads all the rates of a month. */
const DEFAULT_PAGE_SIZE = { raw: 100, "1h": 100, "1d": 30 } as const

/** How long after a moment all that was recorded at it can be seen: a transaction may take a while to be committed. */
const SETTLED = Duration.hours(1)

/** What was known at a moment never changes. */
const IMMUTABLE = "public, max-age=31536000, immutable"

/** What the rates were. */
export const layer = HttpApiBuilder.group(
  Api,
  "history",
  Effect.fn(function* (handlers) {
    const history = yield* RateHistory

    return handlers.handleAll({
      history: Effect.fnUntraced(function* ({ headers, query }) {
        const { interval = "raw" } = query
        const { page_size: size = DEFAULT_PAGE_SIZE[interval] } = query
        const pair = yield* pairOf(query)
        const start = query.start ?? MIN_TIME
        const end = query.end ?? (yield* DateTime.now)
        if (query.end !== undefined && DateTime.isLessThan(end, start))
          return yield* Problems.invalid("/query/end", "must not be before start")
        const span = { pair, start, end }
        const asked = { from: pair.from, to: pair.to }
        const format = Export.formatOf(headers.accept)

        if (interval === "raw") {
          if (format !== undefined) {
            // Asked first, since a failure cannot be told any more once the rows are on their way.
            yield* history.rows(span, undefined, 1).pipe(Effect.catchTags(Problems.storeErrors))
            const rows = Stream.map(history.streamRows(span), History.rowFields)
            return yield* Export.respond(format, HistoryEncoding.ROWS, rows)
          }
          const after = yield* Pagination.decodeCursor(query.cursor, rowOf)
          const found = yield* history
            .rows(span, after, size + 1)
            .pipe(Effect.catchTags(Problems.storeErrors))
          return { ...asked, interval, ...Pagination.pageOf(found, size, History.rowFields, textOf) }
        }

        if (format !== undefined) {
          yield* history.candles(span, interval, 1).pipe(Effect.catchTags(Problems.storeErrors))
          const candles = Stream.map(history.streamCandles(span, interval), History.candleFields)
          return yield* Export.respond(format, HistoryEncoding.CANDLES, candles)
        }
        const after = yield* Pagination.decodeCursor(query.cursor, momentOf)
        const from = after === undefined ? start : DateTime.max(start, after)
        const { candles, next } = yield* history
          .candles({ ...span, start: from }, interval, size)
          .pipe(Effect.catchTags(Problems.storeErrors))
        return {
          ...asked,
          interval,
          data: candles.map(History.candleFields),
          has_more: Option.isSome(next),
          next: Option.match(next, {
            onNone: () => null,
            onSome: (moment) => Pagination.encodeCursor(String(DateTime.toEpochMillis(moment)))
          })
        }
      }),

      asOf: Effect.fnUntraced(function* ({ query }) {
        const pair = yield* pairOf(query)
        const now = yield* DateTime.now
        const { at, known_at: knownAt = now } = query
        for (const [name, moment] of [
          ["at", at],
          ["known_at", knownAt]
        ] as const) {
          if (DateTime.isGreaterThan(moment, now))
            return yield* Problems.invalid(`/query/${name}`, "must not be in the future")
        }
        const known = yield* history.asOf(pair, at, knownAt).pipe(Effect.catchTags(Problems.storeErrors))
        if (Option.isNone(known)) {
          const { message } = new History.NoRateKnown({ pair, at, knownAt })
          return yield* new Problem.NotFound({ detail: message })
        }
        const settled = DateTime.addDuration(knownAt, SETTLED)
        return HttpServerResponse.text(
          HistoryEncoding.toAsOfText(HistoryEncoding.toAsOf(known.value, at, knownAt)),
          {
            contentType: "application/json",
            headers: {
              "cache-control": DateTime.isLessThan(settled, now) ? IMMUTABLE : "no-store"
            }
          }
        )
      })
    })
  })
)

const pairOf = ({ from, to }: { readonly from: string; readonly to: string }) =>
  Effect.fromResult(CurrencyPair.fromCodes(from, to)).pipe(Effect.catchTags(Problems.unknownCurrencyErrors))

/** The position of a row as text: its times in milliseconds, and its id. */
const textOf = ({ id, observedAt, recordedAt }: History.HistoryPosition) =>
  [DateTime.toEpochMillis(observedAt), DateTime.toEpochMillis(recordedAt), id].join()

/** Milliseconds, no later than what Postgres can hold. */
const Moment = Schema.String.check(Schema.isPattern(/^\d{1,14}$/)).pipe(
  Schema.decodeTo(Schema.FiniteFromString),
  Schema.decodeTo(Schema.DateTimeUtcFromMillis)
)
const momentOf = Schema.decodeEffect(Moment)
const decodeRow = Schema.decodeUnknownEffect(Schema.Tuple([Moment, Moment, RateId]))
const rowOf = (text: string) =>
  Effect.map(decodeRow(text.split(",")), ([observedAt, recordedAt, id]) => ({ observedAt, recordedAt, id }))
