import { Cause, Clock, Effect, Exit, Layer, Option, Result } from "effect"
import type { IncomingMessage, ServerResponse } from "node:http"
import type { Problem } from "../../api/Problem.ts"
import { Settings } from "../../config/Settings.ts"
import * as CommittedConversion from "../../conversion/CommittedConversion.ts"
import { type ConversionError, Conversions } from "../../conversion/Conversions.ts"
import type { ConversionInput } from "../../conversion/ConversionInput.ts"
import { converterOf, type Principal } from "../../domain/access/Principal.ts"
import type { RateLimitStatus } from "../../domain/access/RateLimit.ts"
import * as RequestId from "../../platform/RequestId.ts"
import * as ConversionBody from "../encoding/ConversionBody.ts"
import * as IdempotencyKey from "../encoding/IdempotencyKey.ts"
import { ConversionRequests } from "../http/ConversionRequests.ts"
import { AccessControl } from "../middleware/access/AccessControl.ts"
import * as Problems from "../middleware/Problems.ts"
import * as RateLimitHeaders from "../middleware/headers/RateLimitHeaders.ts"
import * as Rejection from "../middleware/Rejection.ts"
import * as RequestGuards from "../middleware/limits/RequestGuards.ts"
import * as RequestMetrics from "../middleware/RequestMetrics.ts"
import * as HttpInternals from "../node/HttpInternals.ts"
import { NodeServer } from "../node/NodeServer.ts"
import * as RequestBody from "../node/RequestBody.ts"
import * as ResponseHead from "../node/ResponseHead.ts"
import { FastPathRequests } from "./FastPathRequests.ts"

/*
 * Measured gain: with the router alone, a conversion takes 1.5 times the CPU time, and throughput falls to 0.7, with and
 * without an idempotency key (`wrk`, 64 connections, interleaved rounds, one core, Node 24, Redis and PostgreSQL on the other
 * core). The requests of an event-loop turn are authorized, counted, priced and appended as one batch: with a fiber for each,
 * this path was 0.75 times as fast. `test/server/fastpath` compares responses, headers, metrics and records with the router's.
 */

const ROUTE = "/api/v1/convert"
const HEADERS = { "cache-control": "no-store" }

/** A request whose body has arrived. */
interface ConversionExchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly startedAt: number
  readonly id: RequestId.RequestId
  readonly address: string
  /** Value of the `Authorization` header. */
  readonly authorization: string | undefined
  /** Undefined if it is not valid UTF-8. */
  readonly body: string | undefined
  /** Set once the request is counted. */
  rateLimit: RateLimitStatus | undefined
}

const make = Effect.gen(function* () {
  const { corsOrigins } = yield* Settings
  const fastPath = yield* FastPathRequests
  const access = yield* AccessControl
  const requests = yield* ConversionRequests
  const conversions = yield* Conversions
  const clock = yield* Clock.Clock
  const context = yield* Effect.context<never>()
  const okHead = fastPath.okHead(HEADERS)

  /** The router rejects bodies that are too large, and writes of pages that `CORS_ORIGINS` does not list. */
  const isEligible = (request: IncomingMessage, response: ServerResponse) => {
    const { "content-length": length, origin } = request.headers
    if (length === undefined || Number(length) > RequestGuards.MAX_BODY_BYTES) return false
    if (origin !== undefined && Option.isSome(corsOrigins)) return false
    return fastPath.isEligible(request, response)
  }

  const recordMetrics = ({ response, startedAt }: ConversionExchange) =>
    RequestMetrics.record(context, "POST", ROUTE, response.statusCode, (performance.now() - startedAt) / 1000)

  const rateLimitHeaders = ({ rateLimit }: ConversionExchange) =>
    rateLimit === undefined ? undefined : RateLimitHeaders.headersOf(rateLimit)

  const respond = (exchange: ConversionExchange, outcome: CommittedConversion.ConversionOutcome) => {
    const { id, response } = exchange
    // Without a client, or after an unexpected failure of the rest of its batch.
    if (response.destroyed || response.headersSent) return
    const body = CommittedConversion.toJson(outcome)
    const length = Buffer.byteLength(body)
    const headers = {
      "content-length": String(length),
      "x-request-id": id.value,
      date: ResponseHead.formatDate(clock.currentTimeMillisUnsafe()),
      ...(outcome.replayed ? { "idempotency-replayed": "true" } : undefined),
      ...rateLimitHeaders(exchange)
    }
    // Shutdown may have started since the request arrived.
    if (HttpInternals.isKeptAlive(response)) {
      const encoding = ResponseHead.encodingOf(body, length)
      HttpInternals.sendWithHead(response, okHead + ResponseHead.toLines(headers), body, encoding)
    } else {
      fastPath.sendAndClose(response, { ...HEADERS, ...headers }, body)
    }
    recordMetrics(exchange)
  }

  const reject = (exchange: ConversionExchange, { headers, problem }: Rejection.Rejection<Problem>) => {
    const { id, response } = exchange
    if (response.headersSent) return
    fastPath.reject(response, problem, ROUTE, id, { ...headers, ...rateLimitHeaders(exchange) })
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

  /** Authorizes and converts a single request: one whose API key has to be looked up. */
  const convertAlone = (exchange: ConversionExchange) => {
    const credentials = {
      authorization: exchange.authorization,
      address: exchange.address,
      reportRateLimit: (status: RateLimitStatus) => {
        exchange.rateLimit = status
      }
    }
    return Effect.flatMap(access.authorize("convert", "writes", credentials), (principal) =>
      convertAuthorized(exchange, principal)
    )
  }

  /** Validates and converts a single request that is authorized and counted. */
  const convertAuthorized = (exchange: ConversionExchange, principal: Principal) =>
    Effect.fromResult(parse(exchange)).pipe(
      Effect.flatMap(({ body, key }) => requests.convert(body, key, converterOf(principal))),
      Effect.mapError(Rejection.of)
    )

  const parse = ({ body, request }: ConversionExchange) =>
    Result.flatMap(IdempotencyKey.ofIncoming(request), (key) =>
      Result.map(parseBody(body), (parsed) => ({ body: parsed, key }))
    )

  const toInput = (exchange: ConversionExchange, principal: Principal) =>
    Result.mapError(
      Result.flatMap(parse(exchange), ({ body, key }) => requests.toInput(body, key, converterOf(principal))),
      Rejection.of
    )

  const rejecting = (conversion: Effect.Effect<CommittedConversion.ConversionOutcome, ConversionError>) =>
    conversion.pipe(Effect.catchTags(Problems.conversionErrors), Effect.mapError(Rejection.of))

  /** Runs a conversion until it has a response or its client disconnects. */
  const run = (
    exchange: ConversionExchange,
    conversion: Effect.Effect<CommittedConversion.ConversionOutcome, Rejection.Rejection<Problem>>
  ) => {
    const handled = Effect.matchCauseEffect(conversion, {
      onFailure: (cause) => fail(exchange, cause),
      onSuccess: (outcome) => Effect.sync(() => respond(exchange, outcome))
    })
    const fiber = fork(Effect.provideService(handled, RequestId.CurrentRequestId, exchange.id))
    if (fiber.pollUnsafe() !== undefined) return
    if (exchange.response.destroyed) fiber.interruptUnsafe()
    else exchange.response.once("close", () => fiber.interruptUnsafe())
  }

  // The traces of these requests are not exported. Without a parent, inner spans would start traces of their own.
  const fork = (effect: Effect.Effect<void>) =>
    Effect.runForkWith(context)(Effect.withTracerEnabled(effect, false))

  /** Converts the concurrent requests of one client together. */
  const convertBatch = Effect.fnUntraced(function* (exchanges: ReadonlyArray<ConversionExchange>) {
    const [first] = exchanges
    if (first === undefined) return
    const authorizations = yield* access.authorizeBatch("convert", "writes", first, exchanges.length)
    if (authorizations === undefined) {
      for (const exchange of exchanges) run(exchange, convertAlone(exchange))
      return
    }
    const batch: Array<ConversionExchange> = []
    const inputs: Array<ConversionInput> = []
    authorizations.forEach(({ principal, rateLimit }, i) => {
      const exchange = exchanges[i]
      if (exchange === undefined || exchange.response.destroyed) return
      exchange.rateLimit = rateLimit
      if (Result.isFailure(principal)) return reject(exchange, principal.failure)
      const input = toInput(exchange, principal.success)
      if (Result.isFailure(input)) {
        // The stored conversion of a retry is returned even if the settings do not allow the request any more.
        return exchange.request.headers["idempotency-key"] === undefined
          ? reject(exchange, input.failure)
          : run(exchange, convertAuthorized(exchange, principal.success))
      }
      batch.push(exchange)
      inputs.push(input.success)
    })
    const outcomes = yield* conversions.convertBatch(inputs, (i, conversion) => {
      const exchange = batch[i]
      if (exchange !== undefined) run(exchange, rejecting(conversion))
    })
    batch.forEach((exchange, i) => {
      const outcome = outcomes[i]
      if (outcome === undefined) return
      if (Exit.isSuccess(outcome)) respond(exchange, outcome.value)
      else run(exchange, rejecting(outcome))
    })
  })

  /** Responds to the requests of a batch that failed unexpectedly. */
  const convertOrFail = (exchanges: ReadonlyArray<ConversionExchange>) =>
    Effect.catchCause(convertBatch(exchanges), (cause) =>
      Effect.sync(() => {
        for (const exchange of exchanges)
          if (!exchange.response.headersSent) run(exchange, Effect.failCause(cause))
      })
    )

  let arrived: Array<ConversionExchange> = []
  /** Starts a batch for each client of the requests that arrived in the same event-loop turn. */
  const convertArrived = () => {
    const exchanges = arrived
    arrived = []
    const byClient = Map.groupBy(
      exchanges,
      ({ address, authorization }) => `${address} ${authorization ?? ""}`
    )
    for (const ofClient of byClient.values()) fork(convertOrFail(ofClient))
  }

  const interceptor: HttpInternals.RequestInterceptor = (request, response) => {
    if (request.url !== ROUTE || request.method !== "POST" || !isEligible(request, response)) return false
    const id = fastPath.identify(request)
    if (id === undefined) return false
    const address = fastPath.addressOf(request)
    if (address === undefined) return false
    const startedAt = performance.now()
    const { authorization } = request.headers
    RequestBody.collect(request, (body) => {
      if (arrived.length === 0) setImmediate(convertArrived)
      arrived.push({ request, response, startedAt, id, address, authorization, body, rateLimit: undefined })
    })
    return true
  }
  return interceptor
})

const parseBody = (body: string | undefined) =>
  body === undefined ? Result.fail(RequestBody.invalidText) : ConversionBody.parseConvert(body)

/** Answers `POST /api/v1/convert`, with the authorization, validation and conversion of the router's handler. */
export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const { intercept } = yield* NodeServer
    yield* intercept(yield* make)
  })
)
