import { Cause, Clock, Context, Effect, Exit, Layer, Option, Result } from "effect"
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http"
import type { Problem } from "../../api/Problem.ts"
import { Settings } from "../../config/Settings.ts"
import {
  type ConversionAnswer,
  type ConversionError,
  type ConversionRequest,
  Conversions
} from "../../conversion/Conversions.ts"
import type { Principal } from "../../domain/access/ApiKey.ts"
import type { Allowance } from "../../domain/access/RateLimit.ts"
import * as RequestId from "../../platform/RequestId.ts"
import * as ExportedSpans from "../../platform/telemetry/ExportedSpans.ts"
import * as AccessControl from "../middleware/AccessControl.ts"
import * as RateLimitHeaders from "../middleware/RateLimitHeaders.ts"
import * as RequestBody from "../node/RequestBody.ts"
import * as ConversionBody from "../http/ConversionBody.ts"
import * as ConversionRequests from "../http/ConversionRequests.ts"
import { type Front, NodeServer } from "../node/NodeServer.ts"
import * as FastPathRequests from "./FastPathRequests.ts"
import * as Problems from "../middleware/Problems.ts"
import * as RequestGuards from "../middleware/RequestGuards.ts"
import * as ClientAddress from "../middleware/ClientAddress.ts"
import * as RequestMetrics from "../middleware/RequestMetrics.ts"
import * as ResponseHead from "../node/ResponseHead.ts"

const ROUTE = "/api/v1/convert"
const LASTING = { "cache-control": "no-store" }

/**
 * Answers conversions in front of the router: as the router would, with the same keys, limits, problems, headers, ids and
 * metrics. What arrives in one turn of the event loop is counted, computed and committed together. Only what is asked for
 * plainly is answered here; whatever takes a closer look is left to the router as it came.
 */
export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    // Where traces are sent, each conversion has a span, which is the router's to make.
    if (yield* ExportedSpans.isSent) return
    const { putInFront } = yield* NodeServer
    yield* putInFront(yield* make)
  })
)

/** A conversion that is asked for, and has not been answered. */
interface Arrival {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly begun: number
  readonly id: RequestId.RequestId
  readonly asker: AccessControl.Asker
  readonly text: string
  /** What is left to whoever asks, once that was counted. */
  left: Allowance | undefined
}

type Refusal = AccessControl.Refusal<Problem>

const make = Effect.gen(function* () {
  const { corsOrigins } = yield* Settings
  const plain = yield* FastPathRequests.make
  const access = yield* AccessControl.make
  const conversions = yield* Conversions
  const requests = yield* ConversionRequests.make
  const clock = yield* Clock.Clock
  const context = yield* Effect.context<never>()
  const head = plain.headOf(LASTING)

  /** With a body that is there and that the router would read, and from no page whose origin has to be looked at. */
  const isPlain = (request: IncomingMessage, response: ServerResponse) => {
    const { "content-length": length, origin } = request.headers
    if (length === undefined || Number(length) > RequestGuards.MAX_BODY_BYTES) return false
    if (origin !== undefined && Option.isSome(corsOrigins)) return false
    return plain.isPlain(request, response)
  }

  const record = ({ begun, response }: Arrival) =>
    RequestMetrics.record(context, "POST", ROUTE, response.statusCode, (performance.now() - begun) / 1000)

  const answer = (arrival: Arrival, { body, replayed }: ConversionAnswer) => {
    const { id, left, response } = arrival
    // Who went away is not answered.
    if (response.destroyed) return
    const length = Buffer.byteLength(body)
    const own = {
      "content-length": String(length),
      "x-request-id": id.name,
      date: ResponseHead.dateAt(clock.currentTimeMillisUnsafe()),
      ...(replayed ? { "idempotency-replayed": "true" } : undefined),
      ...(left === undefined ? undefined : RateLimitHeaders.headersOf(left))
    }
    // The server may have been told to stop since the request came.
    if (response.shouldKeepAlive) {
      const encoding = ResponseHead.encodingOf(body, length)
      ResponseHead.send(response, head + ResponseHead.linesOf(own), body, encoding)
    } else {
      plain.write(response, { ...LASTING, ...own }, body)
    }
    record(arrival)
  }

  const refuse = (arrival: Arrival, { headers, problem }: Refusal) => {
    const allowance = arrival.left === undefined ? undefined : RateLimitHeaders.headersOf(arrival.left)
    plain.refuse(arrival.response, problem, ROUTE, arrival.id, { ...headers, ...allowance })
    record(arrival)
  }

  const fail = (arrival: Arrival, cause: Cause.Cause<Refusal>) => {
    const refusal = Cause.findErrorOption(cause)
    if (Option.isSome(refusal)) return Effect.sync(() => refuse(arrival, refusal.value))
    // The caller went away, or the server is going down.
    if (Cause.hasInterruptsOnly(cause)) return Effect.void
    return Effect.map(Problems.ofUnforeseen("a request", cause), (problem) =>
      refuse(arrival, AccessControl.refusalOf(problem))
    )
  }

  /** Answers with what an effect comes to, which ends when its caller goes away. */
  const conclude = (arrival: Arrival, converting: Effect.Effect<ConversionAnswer, Refusal>) => {
    const concluded = Effect.matchCauseEffect(converting, {
      onFailure: (cause) => fail(arrival, cause),
      onSuccess: (converted) => Effect.sync(() => answer(arrival, converted))
    })
    const fiber = Effect.runForkWith(Context.add(context, RequestId.Named, arrival.id))(concluded)
    if (arrival.response.destroyed) fiber.interruptUnsafe()
    else arrival.response.once("close", () => fiber.interruptUnsafe())
  }

  const requestOf = ({ request, text }: Arrival, caller: Principal) =>
    Result.mapError(
      Result.flatMap(ConversionRequests.keyOf(keyIn(request.headers)), (key) =>
        Result.flatMap(ConversionBody.parseConvert(text), (body) => requests.requestOf(body, key, caller))
      ),
      AccessControl.refusalOf
    )

  const told = (converting: Effect.Effect<ConversionAnswer, ConversionError>) =>
    converting.pipe(Effect.catchTags(Problems.ofConversion), Effect.mapError(AccessControl.refusalOf))

  const convertAlone = (arrival: Arrival) =>
    conclude(
      arrival,
      access.hold("convert", "writes", arrival.asker).pipe(
        Effect.flatMap((caller) => Effect.fromResult(requestOf(arrival, caller))),
        Effect.flatMap((request) => told(conversions.convert(request)))
      )
    )

  /** Those of one asker. What is not ready to be converted at once goes its own way, and keeps nobody waiting. */
  const convertTogether = Effect.fnUntraced(function* (
    arrivals: ReadonlyArray<Arrival>,
    asker: AccessControl.Asker
  ) {
    const held = yield* access.holdAll("convert", "writes", asker, arrivals.length)
    if (held === undefined) return arrivals.forEach(convertAlone)
    const asked: Array<Arrival> = []
    const requested: Array<ConversionRequest> = []
    held.forEach(({ holder, left }, i) => {
      const arrival = arrivals[i]
      if (arrival === undefined || arrival.response.destroyed) return
      arrival.left = left
      const request = Result.flatMap(holder, (caller) => requestOf(arrival, caller))
      if (Result.isFailure(request)) return refuse(arrival, request.failure)
      asked.push(arrival)
      requested.push(request.success)
    })
    const converted = yield* conversions.convertReady(requested, (converting, i) => {
      const arrival = asked[i]
      if (arrival !== undefined) conclude(arrival, told(converting))
    })
    asked.forEach((arrival, i) => {
      const outcome = converted[i]
      if (outcome === undefined) return
      if (Exit.isSuccess(outcome)) answer(arrival, outcome.value)
      else conclude(arrival, told(outcome))
    })
  })

  /** What nobody foresaw is told to all who are not answered yet. */
  const convertOwn = (arrivals: ReadonlyArray<Arrival>, asker: AccessControl.Asker) =>
    Effect.catchCause(convertTogether(arrivals, asker), (cause) =>
      Effect.sync(() => {
        for (const arrival of arrivals)
          if (!arrival.response.headersSent) conclude(arrival, Effect.failCause(cause))
      })
    )

  let arrived: Array<Arrival> = []
  const takeTurn = () => {
    const turn = Map.groupBy(arrived, ({ asker }) => `${asker.address} ${asker.authorization}`)
    arrived = []
    for (const own of turn.values()) {
      const [first] = own
      if (first !== undefined) Effect.runForkWith(context)(convertOwn(own, first.asker))
    }
  }

  const front: Front = (request, response) => {
    if (request.url !== ROUTE || request.method !== "POST" || !isPlain(request, response)) return false
    const begun = performance.now()
    const id = RequestId.nameOf(request.headers)
    RequestBody.listen(request, (text) => {
      const arrival: Arrival = {
        request,
        response,
        begun,
        id,
        asker: {
          authorization: request.headers.authorization,
          address: ClientAddress.ofText(request.socket.remoteAddress),
          tell: (allowance) => {
            arrival.left = allowance
          }
        },
        text,
        left: undefined
      }
      if (arrived.push(arrival) === 1) setImmediate(takeTurn)
    })
    return true
  }
  return front
})

/** Node joins what is said more than once. */
const keyIn = ({ "idempotency-key": key }: IncomingHttpHeaders) =>
  typeof key === "object" ? key.join(", ") : key
