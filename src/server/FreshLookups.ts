import { Clock, Duration, Effect, Layer } from "effect"
import type { IncomingHttpHeaders } from "node:http"
import { Limits } from "../access/Limits.ts"
import { Settings } from "../config/Settings.ts"
import type { CurrencyPair } from "../domain/CurrencyPair.ts"
import { QuotaExceeded } from "../domain/Quota.ts"
import type { Rate } from "../domain/Rate.ts"
import * as RequestId from "../platform/RequestId.ts"
import * as Traced from "../platform/Traced.ts"
import { type FoundRate, Rates } from "../rates/Rates.ts"
import * as Allowances from "./Allowances.ts"
import { type Front, NodeServer } from "./NodeServer.ts"
import * as PlainRequests from "./PlainRequests.ts"
import * as RateAnswers from "./RateAnswers.ts"
import * as RateEncoding from "./RateEncoding.ts"
import * as RemoteAddress from "./RemoteAddress.ts"
import * as RequestMetrics from "./RequestMetrics.ts"
import * as WrittenHead from "./WrittenHead.ts"

const ROUTE = "/api/v1/rates"

/**
 * Answers lookups of rates that are fresh in memory, in front of the router and from text that is ready: as the router
 * would, with the same headers, limits, ids and metrics, in a fraction of the time. Only what is asked for plainly is
 * answered here; whatever takes a closer look is left to the router as it came.
 */
export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    // Where traces are sent, each lookup has a span, which is the router's to make.
    if (yield* Traced.isSent) return
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
  const plain = yield* PlainRequests.make
  const { pairs, staleAfter } = yield* Settings
  const rates = yield* Rates
  const limits = yield* Limits
  const clock = yield* Clock.Clock
  const context = yield* Effect.context<never>()
  const lifetime = Math.floor(Duration.toSeconds(staleAfter))

  const lookups = new Map(
    pairs.all.map((pair): [string, Lookup] => [`${ROUTE}?from=${pair.from}&to=${pair.to}`, { pair }])
  )

  const readyOf = (lookup: Lookup, found: FoundRate, now: number): Ready => {
    if (lookup.ready?.rate === found.rate) return lookup.ready
    const text = RateEncoding.toText(found)
    const { age: _, ...lasting } = RateAnswers.headersOf(found, lifetime, now)
    const length = Buffer.byteLength(text)
    return (lookup.ready = {
      rate: found.rate,
      text,
      encoding: WrittenHead.encodingOf(text, length),
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
    const counted = limits.countNow("reads", RemoteAddress.ofText(request.socket.remoteAddress), now)
    if (counted instanceof QuotaExceeded) {
      const headers = Allowances.headersOfExceeded(counted)
      plain.refuse(response, Allowances.problemOf(counted), ROUTE, id, headers)
    } else {
      const { encoding, head, rate, text } = readyOf(lookup, found, now)
      const left = counted === undefined ? "" : WrittenHead.linesOf(Allowances.headersOf(counted))
      const age = RateAnswers.ageOf(rate, now)
      const own = `x-request-id: ${id.name}\r\nage: ${age}\r\ndate: ${WrittenHead.dateAt(now)}\r\n${left}`
      WrittenHead.send(response, head + own, text, encoding)
      rates.count(found)
    }
    RequestMetrics.record(context, "GET", ROUTE, response.statusCode, (performance.now() - begun) / 1000)
    return true
  }
  return front
})
