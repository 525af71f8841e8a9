import { Clock, Duration, Effect, Option } from "effect"
import { type HttpServerRequest, HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { AssetCatalog } from "../../assets/AssetCatalog.ts"
import { Api } from "../../api/Api.ts"
import * as Problem from "../../api/Problem.ts"
import { Settings } from "../../config/Settings.ts"
import { keyOf } from "../../domain/money/AssetPair.ts"
import * as Currency from "../../domain/money/Currency.ts"
import type { RateRecord } from "../../domain/rates/Rate.ts"
import { type FoundRate, Rates } from "../../rates/lookup/Rates.ts"
import * as Problems from "../middleware/Problems.ts"
import * as ETag from "../encoding/ETag.ts"
import * as RateHeaders from "../encoding/RateHeaders.ts"
import { RateRequests } from "./RateRequests.ts"
import * as RatesSse from "../stream/RatesSse.ts"
import * as RateEncoding from "../encoding/RateEncoding.ts"

/** Handlers of the rates API. */
export const layer = HttpApiBuilder.group(
  Api,
  "rates",
  Effect.fn(function* (handlers) {
    const { staleAfter } = yield* Settings
    const { pairs } = yield* AssetCatalog
    const rates = yield* Rates
    const requests = yield* RateRequests
    const events = yield* RatesSse.make
    const maxAgeSeconds = Math.floor(Duration.toSeconds(staleAfter))

    const supported = new Set<string>(pairs.currencies)
    const currencies = Currency.all
      .filter(({ code }) => supported.has(code))
      .map((currency) => ({
        ...currency,
        source: pairs.sources.includes(currency.code),
        destination: pairs.destinations.includes(currency.code),
        polledDestinations: pairs.destinations.filter((to) =>
          pairs.isPolled({ key: keyOf(currency.code, to) })
        )
      }))

    return handlers
      .handleRaw("stream", ({ headers, query }) =>
        events({ pairs: query.pairs, since: headers["last-event-id"] ?? query.since })
      )
      .handleAll({
        rate: Effect.fnUntraced(function* ({ query, request }) {
          const found = yield* requests.lookup(query.from, query.to, query.max_age)
          return respondRate(found, request, maxAgeSeconds, yield* Clock.currentTimeMillis)
        }),

        all: ({ query }) =>
          Effect.map(requests.list(query.base), ({ base, rates }) => ({
            base,
            rates: rates.map((found) => ({
              ...RateEncoding.toMessage(found),
              polled: pairs.isPolled(found.rate.pair)
            }))
          })),

        currencies: () => Effect.succeed({ currencies }),

        record: Effect.fnUntraced(function* ({ params, request }) {
          const record = yield* rates.byId(params.rate_id).pipe(Effect.catchTags(Problems.storeErrors))
          if (Option.isNone(record)) return yield* new Problem.NotFound({ detail: "No rate has that id" })
          return respondRecord(record.value, request)
        })
      })
  })
)

const respondRate = (
  found: FoundRate,
  request: HttpServerRequest.HttpServerRequest,
  maxAgeSeconds: number,
  now: number
): HttpServerResponse.HttpServerResponse =>
  respondIfChanged(request, RateHeaders.headersOf(found, maxAgeSeconds, now), () =>
    RateEncoding.toBytes(found)
  )

/** Responds with JSON, or with 304 if `If-None-Match` matches the ETag. */
const respondIfChanged = (
  request: HttpServerRequest.HttpServerRequest,
  headers: { readonly etag: string; readonly [name: string]: string },
  json: () => Uint8Array
) =>
  ETag.matchesIfNoneMatch(request.headers["if-none-match"], headers.etag)
    ? HttpServerResponse.empty({ status: 304, headers })
    : HttpServerResponse.uint8Array(json(), { contentType: "application/json", headers })

/** Responds with a stored rate, which is immutable and can be cached permanently. */
const respondRecord = (record: RateRecord, request: HttpServerRequest.HttpServerRequest) =>
  respondIfChanged(
    request,
    { "cache-control": "public, max-age=31536000, immutable", etag: ETag.make(record.rate.id) },
    () => RateEncoding.toRecordBytes(record)
  )
