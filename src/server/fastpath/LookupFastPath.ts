import { Clock, Duration, Effect, Layer } from "effect"
import type { IncomingHttpHeaders } from "node:http"
import { RateLimits } from "../../access/RateLimits.ts"
import { Settings } from "../../config/Settings.ts"
import type { CurrencyPair } from "../../domain/money/CurrencyPair.ts"
import { QuotaExceeded } from "../../domain/access/RateLimit.ts"
import type { Rate } from "../../domain/rates/Rate.ts"
import * as RequestId from "../../platform/RequestId.ts"
import * as ExportedSpans from "../../platform/telemetry/ExportedSpans.ts"
import { type FoundRate, Rates } from "../../rates/lookup/Rates.ts"
import * as RateLimitHeaders from "../middleware/RateLimitHeaders.ts"
import { type Front, NodeServer } from "../node/NodeServer.ts"
import * as FastPathRequests from "./FastPathRequests.ts"
import * as RateHeaders from "../http/RateHeaders.ts"
import * as RateEncoding from "../http/RateEncoding.ts"
import * as ClientAddress from "../middleware/ClientAddress.ts"
import * as RequestMetrics from "../middleware/RequestMetrics.ts"
import * as ResponseHead from "../node/ResponseHead.ts"

const ROUTE = "/api/v1/rates"

/**
 * Answers lookups of rates that are fresh in memory, in front of the router and from text that is ready: as the router
 * would, with the same headers, limits, ids and metrics, in a fraction of the time. Only what is asked for plainly is
 * answered here; whatever takes a closer look is left to the router as it came.
 */
export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    // Where traces are sent, each lookup has a span, which is the router's to make.
    if (yield* ExportedSpans.isSent) return
    const { putInFront } = yield* NodeServer
    yield* putInFront(yield* make)
  })
)

interface Lookup {
  readonly pair: CurrencyPair
  ready?: Ready
}

/** What is the same in every answer with one rate. */
interface Ready {
  readonly rate: Rate
  readonly text: string
  readonly encoding: BufferEncoding
  /** The status and the headers, each with its line break. */
  readonly head: string
}

/** Whether a request says who asks, what they have, or that they bring something. */
const saysMore = (headers: IncomingHttpHeaders) =>
  headers.authorization !== undefined ||
  headers["if-none-match"] !== undefined ||
  headers["content-length"] !== undefined

const make = Effect.gen(function* () {
  const plain = yield* FastPathRequests.make
  const { pairs, staleAfter } = yield* Settings
  const rates = yield* Rates
  const limits = yield* RateLimits
  const clock = yield* Clock.Clock
  const context = yield* Effect.context<never>()
  const lifetime = Math.floor(Duration.toSeconds(staleAfter))

  const lookups = new Map(
    pairs.all.map((pair): [string, Lookup] => [`${ROUTE}?from=${pair.from}&to=${pair.to}`, { pair }])
  )

  const readyOf = (lookup: Lookup, found: FoundRate, now: number): Ready => {
    if (lookup.ready?.rate === found.rate) return lookup.ready
    const text = RateEncoding.toText(found)
    const { age: _, ...lasting } = RateHeaders.headersOf(found, lifetime, now)
    const length = Buffer.byteLength(text)
    return (lookup.ready = {
      rate: found.rate,
      text,
      encoding: ResponseHead.encodingOf(text, length),
      head: plain.headOf({ "content-length": String(length), ...lasting })
    })
  }

  const front: Front = (request, response) => {
    const begun = performance.now()
    const lookup = lookups.get(request.url ?? "")
    if (lookup === undefined || request.method !== "GET" || saysMore(request.headers)) return false
    if (!plain.isPlain(request, response)) return false
    const now = clock.currentTimeMillisUnsafe()
    const found = rates.peek(lookup.pair, now)
    if (found === undefined) return false

    const id = RequestId.nameOf(request.headers)
    const counted = limits.countNow("reads", ClientAddress.ofText(request.socket.remoteAddress), now)
    if (counted instanceof QuotaExceeded) {
      const headers = RateLimitHeaders.headersOfExceeded(counted)
      plain.refuse(response, RateLimitHeaders.problemOf(counted), ROUTE, id, headers)
    } else {
      const { encoding, head, rate, text } = readyOf(lookup, found, now)
      const left = counted === undefined ? "" : ResponseHead.linesOf(RateLimitHeaders.headersOf(counted))
      const age = RateHeaders.ageOf(rate, now)
      const own = `x-request-id: ${id.name}\r\nage: ${age}\r\ndate: ${ResponseHead.dateAt(now)}\r\n${left}`
      ResponseHead.send(response, head + own, text, encoding)
      rates.count(found)
    }
    RequestMetrics.record(context, "GET", ROUTE, response.statusCode, (performance.now() - begun) / 1000)
    return true
  }
  return front
})
