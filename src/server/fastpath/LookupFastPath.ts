import { Clock, Duration, Effect, Layer, Option, Result } from "effect"
import type { IncomingHttpHeaders } from "node:http"
import { AssetCatalog } from "../../assets/AssetCatalog.ts"
import { RateLimits } from "../../access/RateLimits.ts"
import { Settings } from "../../config/Settings.ts"
import { RateLimitExceeded } from "../../domain/access/RateLimit.ts"
import type { AssetPair } from "../../domain/money/AssetPair.ts"
import type { SupportedPairs } from "../../domain/money/SupportedPairs.ts"
import type { Rate } from "../../domain/rates/Rate.ts"
import { type FoundRate, Rates } from "../../rates/lookup/Rates.ts"
import * as RateEncoding from "../encoding/RateEncoding.ts"
import * as RateHeaders from "../encoding/RateHeaders.ts"
import { AccessControl } from "../middleware/access/AccessControl.ts"
import * as RateLimitHeaders from "../middleware/headers/RateLimitHeaders.ts"
import * as RequestMetrics from "../middleware/RequestMetrics.ts"
import * as HttpInternals from "../node/HttpInternals.ts"
import { NodeServer } from "../node/NodeServer.ts"
import * as ResponseHead from "../node/ResponseHead.ts"
import { FastPathRequests } from "./FastPathRequests.ts"

/*
 * Measured gain: with the router alone, a lookup takes 3 to 4 times the CPU time, and throughput falls to a third (bench
 * load, 64 connections, interleaved rounds, one core, Node 24). `FastPathRequests` lists the requests that are eligible;
 * `test/server/fastpath` compares responses, headers and metrics with the router's.
 */

const ROUTE = "/api/v1/rates"

/** A pair, with the response for its latest rate. */
interface PairLookup {
  readonly pair: AssetPair
  prepared?: PreparedResponse
}

/** The parts of a response that all lookups of a rate share. */
interface PreparedResponse {
  readonly rate: Rate
  readonly body: string
  readonly encoding: BufferEncoding
  readonly head: string
}

/** Returns true if a request is conditional or has a body. */
const needsRouter = (headers: IncomingHttpHeaders) =>
  headers["if-none-match"] !== undefined || headers["content-length"] !== undefined

/** Maximum number of pairs of currencies whose responses are kept. The router answers all others. */
const MAX_CURRENCY_PAIRS = 5000

/** Polled pairs, and the pairs of currencies that are fetched on demand. */
const pairsOf = ({ destinations, find, polled, sources }: SupportedPairs): ReadonlyArray<AssetPair> =>
  sources.length * destinations.length > MAX_CURRENCY_PAIRS
    ? polled
    : [
        ...polled,
        ...sources.flatMap((from) =>
          destinations.flatMap((to) => Option.toArray(Result.getSuccess(find(from, to))))
        )
      ]

const make = Effect.gen(function* () {
  const requests = yield* FastPathRequests
  const { staleAfter } = yield* Settings
  const catalog = yield* AssetCatalog
  const access = yield* AccessControl
  const rates = yield* Rates
  const rateLimits = yield* RateLimits
  const clock = yield* Clock.Clock
  const context = yield* Effect.context<never>()
  const maxAgeSeconds = Math.floor(Duration.toSeconds(staleAfter))

  /** Pairs are only added: the pair of a delisted asset stays supported. */
  const lookups = new Map<string, PairLookup>()
  const addPairs = () => {
    for (const pair of pairsOf(catalog.pairs)) {
      const url = `${ROUTE}?from=${pair.from}&to=${pair.to}`
      if (!lookups.has(url)) lookups.set(url, { pair })
    }
  }
  addPairs()
  yield* catalog.onChange(addPairs)

  const prepare = (lookup: PairLookup, found: FoundRate, now: number): PreparedResponse => {
    if (lookup.prepared?.rate === found.rate) return lookup.prepared
    const body = RateEncoding.toText(found)
    const { age: _, ...headers } = RateHeaders.headersOf(found, maxAgeSeconds, now)
    const length = Buffer.byteLength(body)
    return (lookup.prepared = {
      rate: found.rate,
      body,
      encoding: ResponseHead.encodingOf(body, length),
      head: requests.okHead({ "content-length": String(length), ...headers })
    })
  }

  const interceptor: HttpInternals.RequestInterceptor = (request, response) => {
    const startedAt = performance.now()
    const lookup = lookups.get(request.url ?? "")
    if (lookup === undefined || request.method !== "GET" || needsRouter(request.headers)) return false
    if (!requests.isEligible(request, response)) return false
    const now = clock.currentTimeMillisUnsafe()
    const found = rates.peek(lookup.pair, now)
    if (found === undefined) return false
    const { authorization } = request.headers
    const address = requests.addressOf(request)
    if (address === undefined) return false
    const identity = access.identifySync({ authorization, address }, now)
    if (identity === undefined) return false
    requests.respondTraced(request, response, ROUTE, (id) => {
      const rateLimit = rateLimits.consumeSync("reads", identity, now)
      if (rateLimit instanceof RateLimitExceeded) {
        const headers = RateLimitHeaders.headersOfExceeded(rateLimit)
        requests.reject(response, RateLimitHeaders.toProblem(rateLimit), ROUTE, id, headers)
      } else {
        const { body, encoding, head, rate } = prepare(lookup, found, now)
        const rateLimitLines =
          rateLimit === undefined ? "" : ResponseHead.toLines(RateLimitHeaders.headersOf(rateLimit))
        const age = RateHeaders.ageSeconds(rate, now)
        const lines = `x-request-id: ${id.value}\r\nage: ${age}\r\ndate: ${ResponseHead.formatDate(now)}\r\n${rateLimitLines}`
        HttpInternals.sendWithHead(response, head + lines, body, encoding)
        rates.countLookup(found)
      }
      RequestMetrics.record(
        context,
        "GET",
        ROUTE,
        response.statusCode,
        (performance.now() - startedAt) / 1000
      )
    })
    return true
  }
  return interceptor
})

/** Answers `GET /api/v1/rates?from=…&to=…` from serialized responses while the rate is fresh in memory. */
export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const { intercept } = yield* NodeServer
    yield* intercept(yield* make)
  })
)
