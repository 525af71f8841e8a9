import { Cause, Clock, Context, Effect, Layer, Option } from "effect"
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http"
import type { Problem } from "../../api/Problem.ts"
import { Settings } from "../../config/Settings.ts"
import * as CommittedConversion from "../../conversion/CommittedConversion.ts"
import type { ConversionOutcome } from "../../conversion/Conversions.ts"
import type { RateLimitStatus } from "../../domain/access/RateLimit.ts"
import * as RequestId from "../../platform/RequestId.ts"
import * as ConversionBody from "../http/ConversionBody.ts"
import { ConversionRequests, parseIdempotencyKey } from "../http/ConversionRequests.ts"
import { AccessControl } from "../middleware/AccessControl.ts"
import * as Problems from "../middleware/Problems.ts"
import * as RateLimitHeaders from "../middleware/RateLimitHeaders.ts"
import * as Rejection from "../middleware/Rejection.ts"
import * as RequestGuards from "../middleware/RequestGuards.ts"
import * as RequestMetrics from "../middleware/RequestMetrics.ts"
import * as HttpInternals from "../node/HttpInternals.ts"
import { NodeServer } from "../node/NodeServer.ts"
import * as RequestBody from "../node/RequestBody.ts"
import * as ResponseHead from "../node/ResponseHead.ts"
import { FastPathRequests } from "./FastPathRequests.ts"

/*
 * Measured gain: with the router alone, a conversion takes 1.4 to 2 times the CPU time, with and without an idempotency key
 * (bench load, 64 connections, interleaved rounds, one core, Node 24, Redis and Postgres on the other core). Batching is not
 * part of the gain: `Conversions`, `AuditLog` and `RateLimits` batch concurrent requests of the router as well.
 * `test/server/fastpath` compares responses, headers, metrics and records with the router's.
 */

const ROUTE = "/api/v1/convert"
const HEADERS = { "cache-control": "no-store" }

/** A request whose body has arrived. */
interface ConversionExchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly startedAt: number
  readonly id: RequestId.RequestId
  readonly body: string
  /** Set once the request is counted. */
  rateLimit: RateLimitStatus | undefined
}

const make = Effect.gen(function* () {
  const { corsOrigins } = yield* Settings
  const requests = yield* FastPathRequests
  const access = yield* AccessControl
  const conversions = yield* ConversionRequests
  const clock = yield* Clock.Clock
  const context = yield* Effect.context<never>()
  const okHead = requests.okHead(HEADERS)

  /** The router rejects bodies that are too large, and writes of pages that `CORS_ORIGINS` does not list. */
  const isEligible = (request: IncomingMessage, response: ServerResponse) => {
    const { "content-length": length, origin } = request.headers
    if (length === undefined || Number(length) > RequestGuards.MAX_BODY_BYTES) return false
    if (origin !== undefined && Option.isSome(corsOrigins)) return false
    return requests.isEligible(request, response)
  }

  const recordMetrics = ({ response, startedAt }: ConversionExchange) =>
    RequestMetrics.record(context, "POST", ROUTE, response.statusCode, (performance.now() - startedAt) / 1000)

  const rateLimitHeaders = ({ rateLimit }: ConversionExchange) =>
    rateLimit === undefined ? undefined : RateLimitHeaders.headersOf(rateLimit)

  const respond = (exchange: ConversionExchange, { conversion, replayed }: ConversionOutcome) => {
    const { id, response } = exchange
    if (response.destroyed) return
    const body = CommittedConversion.toJson(conversion)
    const length = Buffer.byteLength(body)
    const headers = {
      "content-length": String(length),
      "x-request-id": id.value,
      date: ResponseHead.formatDate(clock.currentTimeMillisUnsafe()),
      ...(replayed ? { "idempotency-replayed": "true" } : undefined),
      ...rateLimitHeaders(exchange)
    }
    // Shutdown may have started since the request arrived.
    if (HttpInternals.isKeptAlive(response)) {
      const encoding = ResponseHead.encodingOf(body, length)
      HttpInternals.sendWithHead(response, okHead + ResponseHead.toLines(headers), body, encoding)
    } else {
      requests.sendAndClose(response, { ...HEADERS, ...headers }, body)
    }
    recordMetrics(exchange)
  }

  const reject = (exchange: ConversionExchange, { headers, problem }: Rejection.Rejection<Problem>) => {
    const { id, response } = exchange
    requests.reject(response, problem, ROUTE, id, { ...headers, ...rateLimitHeaders(exchange) })
    recordMetrics(exchange)
  }

  const fail = (exchange: ConversionExchange, cause: Cause.Cause<Rejection.Rejection<Problem>>) => {
    const rejection = Cause.findErrorOption(cause)
    if (Option.isSome(rejection)) return Effect.sync(() => reject(exchange, rejection.value))
    // The client disconnected, or the server is shutting down.
    if (Cause.hasInterruptsOnly(cause)) return Effect.void
    return Effect.map(Problems.unexpected("a request", cause), (problem) =>
      reject(exchange, Rejection.of(problem))
    )
  }

  const convert = (exchange: ConversionExchange) => {
    const { body, request } = exchange
    const { authorization } = request.headers
    const credentials = {
      authorization,
      address: requests.addressOf(request),
      reportRateLimit: (status: RateLimitStatus) => {
        exchange.rateLimit = status
      }
    }
    return Effect.flatMap(access.authorize("convert", "writes", credentials), (principal) =>
      Effect.fromResult(parseIdempotencyKey(idempotencyKeyOf(request.headers))).pipe(
        Effect.flatMap((key) =>
          Effect.flatMap(Effect.fromResult(ConversionBody.parseConvert(body)), (parsed) =>
            conversions.convert(parsed, key, principal)
          )
        ),
        Effect.mapError(Rejection.of)
      )
    )
  }

  /** Runs a conversion until it has a response or its client disconnects. */
  const run = (exchange: ConversionExchange) => {
    const handled = Effect.matchCauseEffect(convert(exchange), {
      onFailure: (cause) => fail(exchange, cause),
      onSuccess: (outcome) => Effect.sync(() => respond(exchange, outcome))
    })
    // The trace of this request is not exported. Without a parent, inner spans would start traces of their own.
    const untraced = Effect.withTracerEnabled(handled, false)
    const fiber = Effect.runForkWith(Context.add(context, RequestId.CurrentRequestId, exchange.id))(untraced)
    if (fiber.pollUnsafe() !== undefined) return
    if (exchange.response.destroyed) fiber.interruptUnsafe()
    else exchange.response.once("close", () => fiber.interruptUnsafe())
  }

  const interceptor: HttpInternals.RequestInterceptor = (request, response) => {
    if (request.url !== ROUTE || request.method !== "POST" || !isEligible(request, response)) return false
    const id = requests.identify(request)
    if (id === undefined) return false
    const startedAt = performance.now()
    RequestBody.collect(request, (body) =>
      run({ request, response, startedAt, id, body, rateLimit: undefined })
    )
    return true
  }
  return interceptor
})

const idempotencyKeyOf = ({ "idempotency-key": key }: IncomingHttpHeaders) =>
  typeof key === "object" ? key.join(", ") : key

/** Answers `POST /api/v1/convert`, with the authorization, validation and conversion of the router's handler. */
export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const { intercept } = yield* NodeServer
    yield* intercept(yield* make)
  })
)
