import { DateTime, Duration, Effect, Option, Schema, Stream } from "effect"
import { HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { AssetCatalog } from "../../assets/AssetCatalog.ts"
import { Api } from "../../api/Api.ts"
import * as Problem from "../../api/Problem.ts"
import { Settings } from "../../config/Settings.ts"
import * as History from "../../domain/rates/History.ts"
import { RateId } from "../../domain/rates/Rate.ts"
import { MIN_TIME, RateHistory } from "../../rates/history/RateHistory.ts"
import * as HistoryEncoding from "../encoding/HistoryEncoding.ts"
import * as Export from "../encoding/Export.ts"
import { HISTORY_PAGE_SIZES } from "./RequestCosts.ts"
import * as PairParams from "./PairParams.ts"
import * as Pagination from "../encoding/Pagination.ts"
import * as Problems from "../middleware/Problems.ts"

/** Time in which a transaction commits, so that the rates recorded in it are visible. */
const COMMIT_LAG = Duration.hours(1)

/** Cache policy of settled results: what was known at a time never changes. */
const IMMUTABLE = "public, max-age=31536000, immutable"

/** Handlers of the history API. */
export const layer = HttpApiBuilder.group(
  Api,
  "history",
  Effect.fn(function* (handlers) {
    const catalog = yield* AssetCatalog
    const history = yield* RateHistory
    const { maxClockSkew } = yield* Settings
    // A node of the previous release records by its own clock, which may be behind.
    const settlingTime = Duration.sum(maxClockSkew, COMMIT_LAG)

    return handlers.handleAll({
      history: Effect.fnUntraced(function* ({ headers, query }) {
        const { interval = "raw" } = query
        const { page_size: size = HISTORY_PAGE_SIZES[interval] } = query
        const pair = yield* PairParams.parsePair(catalog, query)
        const start = query.start ?? MIN_TIME
        const end = query.end ?? (yield* DateTime.now)
        if (query.end !== undefined && DateTime.isLessThan(end, start))
          return yield* Problems.invalid("/query/end", "must not be before start")
        const range = { pair, start, end }
        const codes = { from: pair.from, to: pair.to }
        const format = yield* Export.negotiate(headers.accept)

        if (interval === "raw") {
          if (format !== undefined) {
            // Query one row first: after the response has started, an error can only abort it.
            yield* history.rows(range, undefined, 1).pipe(Effect.catchTags(historyErrors("start")))
            const rows = Stream.map(history.streamRows(range), History.rowFields)
            return yield* Export.respond(format, HistoryEncoding.ROW_LAYOUT, rows)
          }
          const after = yield* Pagination.decodeCursor(query.cursor, decodeRowPosition)
          const found = yield* history
            .rows(range, after, size + 1)
            .pipe(Effect.catchTags(historyErrors("start")))
          const page = Pagination.pageOf(found, size, History.rowFields, encodeRowPosition)
          return { ...codes, interval, ...page }
        }

        if (format !== undefined) {
          yield* history.candles(range, interval, 1).pipe(Effect.catchTags(historyErrors("start")))
          const candles = Stream.map(history.streamCandles(range, interval), History.candleFields)
          return yield* Export.respond(format, HistoryEncoding.CANDLE_LAYOUT, candles)
        }
        const after = yield* Pagination.decodeCursor(query.cursor, decodeTime)
        const from = after === undefined ? start : DateTime.max(start, after)
        const { candles, next } = yield* history
          .candles({ ...range, start: from }, interval, size)
          .pipe(Effect.catchTags(historyErrors("start")))
        return {
          ...codes,
          interval,
          data: candles.map(History.candleFields),
          has_more: Option.isSome(next),
          next: Option.match(next, {
            onNone: () => null,
            onSome: (start) => Pagination.encodeCursor(String(DateTime.toEpochMillis(start)))
          })
        }
      }),

      asOf: Effect.fnUntraced(function* ({ query }) {
        const pair = yield* PairParams.parsePair(catalog, query)
        const now = yield* DateTime.now
        const { at, known_at: knownAt = now } = query
        for (const [name, time] of [
          ["at", at],
          ["known_at", knownAt]
        ] as const) {
          if (DateTime.isGreaterThan(time, now))
            return yield* Problems.invalid(`/query/${name}`, "must not be in the future")
        }
        const known = yield* history.asOf(pair, at, knownAt).pipe(Effect.catchTags(historyErrors("at")))
        if (Option.isNone(known)) {
          const { message } = new History.NoRateKnown({ pair, at, knownAt })
          return yield* new Problem.NotFound({ detail: message })
        }
        const settledAt = DateTime.addDuration(knownAt, settlingTime)
        return HttpServerResponse.text(
          HistoryEncoding.encodeAsOf(HistoryEncoding.toAsOfMessage(known.value, at, knownAt)),
          {
            contentType: "application/json",
            headers: {
              "cache-control": DateTime.isLessThan(settledAt, now) ? IMMUTABLE : "no-store"
            }
          }
        )
      })
    })
  })
)

const historyErrors = (parameter: "start" | "at") => ({
  ...Problems.storeErrors,
  RatesArchived: ({ until }: History.RatesArchived) =>
    Effect.fail(
      Problems.invalid(
        `/query/${parameter}`,
        `must not be before ${DateTime.formatIso(until)}; earlier rates are archived`
      )
    )
})

/** Encodes the position of a row: its times in milliseconds, and its id. */
const encodeRowPosition = ({ id, observedAt, recordedAt }: History.HistoryPosition) =>
  [DateTime.toEpochMillis(observedAt), DateTime.toEpochMillis(recordedAt), id].join()

/** Epoch milliseconds within the range of PostgreSQL. */
const TimeFromMillisText = Schema.String.check(Schema.isPattern(/^\d{1,14}$/)).pipe(
  Schema.decodeTo(Schema.FiniteFromString),
  Schema.decodeTo(Schema.DateTimeUtcFromMillis)
)
const decodeTime = Schema.decodeEffect(TimeFromMillisText)
const decodeRowFields = Schema.decodeUnknownEffect(
  Schema.Tuple([TimeFromMillisText, TimeFromMillisText, RateId])
)
const decodeRowPosition = (text: string) =>
  Effect.map(decodeRowFields(text.split(",")), ([observedAt, recordedAt, id]) => ({
    observedAt,
    recordedAt,
    id
  }))
