import { Clock, Duration, Effect, Option } from "effect"
import { type HttpServerRequest, HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { Api } from "../../api/Api.ts"
import * as Problem from "../../api/Problem.ts"
import { Settings } from "../../config/Settings.ts"
import * as Currency from "../../domain/money/Currency.ts"
import type { RateRecord } from "../../domain/rates/Rate.ts"
import { type FoundRate, Rates } from "../../rates/lookup/Rates.ts"
import * as Problems from "../middleware/Problems.ts"
import * as RateHeaders from "./RateHeaders.ts"
import * as RateRequests from "./RateRequests.ts"
import * as RatesSse from "../stream/RatesSse.ts"
import * as RateEncoding from "./RateEncoding.ts"

/** The Rates part of the API. */
export const layer = HttpApiBuilder.group(
  Api,
  "rates",
  Effect.fn(function* (handlers) {
    const { pairs, staleAfter } = yield* Settings
    const rates = yield* Rates
    const requests = yield* RateRequests.make
    const events = yield* RatesSse.make
    const lifetime = Math.floor(Duration.toSeconds(staleAfter))

    const offered = new Set([...pairs.sources, ...pairs.destinations])
    const currencies = Currency.all
      .filter(({ code }) => offered.has(code))
      .map((currency) => ({
        ...currency,
        source: pairs.sources.includes(currency.code),
        destination: pairs.destinations.includes(currency.code)
      }))

    return handlers
      .handleRaw("stream", ({ headers, query }) =>
        events({ pairs: query.pairs, since: headers["last-event-id"] ?? query.since })
      )
      .handleAll({
        rate: Effect.fnUntraced(function* ({ query, request }) {
          const found = yield* requests.rate(query.from, query.to, query.max_age)
          return answer(found, request, lifetime, yield* Clock.currentTimeMillis)
        }),

        all: ({ query }) =>
          Effect.map(requests.known(query.base), ({ base, found }) => ({
            base,
            rates: found.map(RateEncoding.toMessage)
          })),

        currencies: () => Effect.succeed({ currencies }),

        record: Effect.fnUntraced(function* ({ params, request }) {
          const record = yield* rates.byId(params.rate_id).pipe(Effect.catchTags(Problems.storeErrors))
          if (Option.isNone(record)) return yield* new Problem.NotFound({ detail: "No rate has that id" })
          return recordAnswer(record.value, request)
        })
      })
  })
)

/** A rate, or 304 where the caller has it. */
const answer = (
  found: FoundRate,
  request: HttpServerRequest.HttpServerRequest,
  lifetime: number,
  now: number
): HttpServerResponse.HttpServerResponse =>
  unlessHeld(request, RateHeaders.headersOf(found, lifetime, now), () => RateEncoding.toBytes(found))

/** The JSON with its headers, or 304 where the caller has it. */
const unlessHeld = (
  request: HttpServerRequest.HttpServerRequest,
  headers: { readonly etag: string; readonly [name: string]: string },
  json: () => Uint8Array
) =>
  matches(request.headers["if-none-match"], headers.etag)
    ? HttpServerResponse.empty({ status: 304, headers })
    : HttpServerResponse.uint8Array(json(), { contentType: "application/json", headers })

/** The weak comparison of RFC 9110, 13.1.2. */
const matches = (ifNoneMatch: string | undefined, etag: string) =>
  ifNoneMatch !== undefined &&
  ifNoneMatch
    .split(",")
    .some((candidate) => candidate.trim() === "*" || candidate.trim().replace(/^W\//, "") === etag)

/** All that is kept of a rate. It never changes, so that whoever has it need not ask again. */
const recordAnswer = (record: RateRecord, request: HttpServerRequest.HttpServerRequest) =>
  unlessHeld(
    request,
    { "cache-control": "public, max-age=31536000, immutable", etag: `"${record.rate.id}"` },
    () => RateEncoding.toRecordBytes(record)
  )
