import { Cause, Context, Duration, Effect, Layer, Option, Schema, SchemaIssue } from "effect"
import { SecureRandom } from "effect/crypto"
import {
  HttpRouter,
  HttpServerError,
  HttpServerRequest,
  HttpServerResponse,
  ProblemDetails
} from "effect/http"
import { HttpApiError } from "effect/http-api"
import * as Problem from "../api/Problem.ts"
import { ProblemResponses } from "../api/ProblemResponses.ts"
import type * as Currency from "../domain/Currency.ts"
import type * as CurrencyPair from "../domain/CurrencyPair.ts"
import type * as Rate from "../domain/Rate.ts"
import * as Routes from "./Routes.ts"

/** Tells what is wrong with a currency; for `Effect.catchTags`, as are the ones below. */
export const ofCurrency = {
  UnsupportedCurrency: ({ given, supported }: Currency.UnsupportedCurrency) =>
    Effect.fail(
      new Problem.UnsupportedCurrency({
        detail: `${JSON.stringify(given)} is not one of ${supported.join(", ")}`
      })
    )
}

/** Tells what is wrong with a pair. */
export const ofPair = {
  ...ofCurrency,
  UnsupportedPair: ({ destinations, pair, sources }: CurrencyPair.UnsupportedPair) =>
    Effect.fail(
      new Problem.UnsupportedPair({
        detail: `${pair.key} is not offered: from ${sources.join(", ")}, to another one of ${destinations.join(", ")}`
      })
    )
}

/** Tells that the database does not answer. */
export const ofStore = {
  StoreUnavailable: () =>
    Effect.fail(
      new Problem.StoreUnavailable({ detail: "What was asked for is in the database, which does not answer" })
    )
}

/** Tells why there is no rate. */
export const ofLookup = {
  ...ofStore,
  RateTooOld: ({ age, maxAge, pair }: Rate.RateTooOld) =>
    Effect.fail(
      new Problem.RateTooOld({
        detail: `The latest rate of ${pair.key} is ${seconds(age)} old, ${seconds(maxAge)} are allowed, and it could not be refreshed`
      })
    ),
  RateUnavailable: ({ pair }: Rate.RateUnavailable) =>
    Effect.fail(
      new Problem.RateUnavailable({
        detail: `No rate of ${pair.key} is known yet, and the provider gave none`
      })
    )
}

const seconds = (duration: Duration.Duration) => `${Math.floor(Duration.toSeconds(duration))} seconds`

/** How soon a request that may succeed later is worth repeating. */
const RETRY_AFTER_SECONDS = "1"

/** The answer that tells a problem. */
const respond = Effect.fnUntraced(function* (
  problem: Problem.Problem,
  headers: Readonly<Record<string, string>> = problem.retryable ? { "retry-after": RETRY_AFTER_SECONDS } : {}
) {
  const request = yield* HttpServerRequest.HttpServerRequest
  const traceId = yield* currentTraceId
  const instance = Option.match(HttpServerRequest.toURL(request), {
    onNone: () => "",
    onSome: ({ pathname }) => pathname
  })
  if (problem.status === 500) {
    yield* Effect.logError(`Answered 500 to ${request.method} ${instance}`).pipe(
      Effect.annotateLogs({ traceId })
    )
  }
  return HttpServerResponse.text(textOf(problem, instance, traceId), {
    status: problem.status,
    contentType: ProblemDetails.contentType,
    headers: { "cache-control": "no-store", ...headers }
  })
})

/** The body that tells a problem. */
export const textOf = (problem: Problem.Problem, instance: string, traceId: string): string => {
  const { code, detail, errors, retryable, status, title, type } = problem
  return JSON.stringify({ type, title, status, detail, instance, code, errors, retryable, trace_id: traceId })
}

export const newTraceId = () => SecureRandom.uuidV4Unsafe().replaceAll("-", "")

const currentTraceId = Effect.currentParentSpan.pipe(
  Effect.map((span) => span.traceId),
  Effect.catch(() => Effect.sync(newTraceId))
)

const isProblem = Schema.is(Problem.Problem)

/** Answers what an endpoint of the API fails with. */
export const layerProblemResponses = Layer.succeed(ProblemResponses, (endpoint) =>
  Effect.catchIf(endpoint, isProblem, (problem) => respond(problem))
)

/** Answers what never reached an endpoint, what could not be decoded, and what nobody foresaw. */
export const layerFallback = HttpRouter.middleware(
  (app) =>
    // Interrupted: the caller went away, or the server is going down.
    Effect.catchCauseIf(app, (cause) => !Cause.hasInterruptsOnly(cause), answerCause),
  { global: true }
)

const answerCause = Effect.fnUntraced(function* (cause: Cause.Cause<unknown>) {
  const error = Cause.squash(cause)
  if (HttpApiError.HttpApiSchemaError.is(error) && isOfRequest(error))
    return yield* respond(invalidRequest(error))
  if (HttpServerError.isHttpServerError(error)) {
    const { reason } = error
    if (reason._tag === "RouteNotFound") return yield* answerNoRoute(reason.request)
    if (reason._tag === "RequestParseError") {
      return yield* respond(
        reason.reason === "BodyTooLarge"
          ? payloadTooLarge
          : new Problem.InvalidRequest({ detail: "The body cannot be read" })
      )
    }
  }
  yield* Effect.logError("Unforeseen failure of a request", cause)
  return yield* respond(new Problem.Internal({}))
})

const answerNoRoute = Effect.fnUntraced(function* (request: HttpServerRequest.HttpServerRequest) {
  const allowed = Routes.allowedMethods(request.url)
  if (allowed.length === 0)
    return yield* respond(new Problem.NotFound({ detail: "See /docs for what there is" }))
  const allow = allowed.join(", ")
  return yield* respond(new Problem.MethodNotAllowed({ detail: `It takes ${allow}` }), { allow })
})

/** The largest body that a request may have. */
export const MAX_BODY_BYTES = 64 * 1024

const payloadTooLarge = new Problem.PayloadTooLarge({
  detail: `A body may have ${MAX_BODY_BYTES} bytes at most`
})

/** Refuses what is too large before anything is read or done. */
export const layerBodyLimit = HttpRouter.middleware(
  (app) =>
    Effect.withFiber((fiber) => {
      const { headers } = Context.getUnsafe(fiber.context, HttpServerRequest.HttpServerRequest)
      const length = headers["content-length"]
      return length === undefined || Number(length) <= MAX_BODY_BYTES
        ? app
        : respond(payloadTooLarge, { connection: "close" })
    }),
  { global: true }
)

const isOfRequest = ({ kind }: HttpApiError.HttpApiSchemaError) =>
  kind !== "Body" && kind !== "ResponseHeaders"

const slots: Record<string, string> = { Params: "path", Query: "query", Headers: "headers", Payload: "body" }

const formatIssues = SchemaIssue.makeFormatterStandardSchemaV1()

const invalidRequest = (error: HttpApiError.HttpApiSchemaError) => {
  const slot = slots[error.kind] ?? error.kind
  const errors = formatIssues(error.cause.issue).issues.map(({ message, path = [] }) => ({
    pointer: [
      "",
      slot,
      ...path.map((segment) => escapePointer(String(typeof segment === "object" ? segment.key : segment)))
    ].join("/"),
    detail: message
  }))
  const [first] = errors
  return new Problem.InvalidRequest({
    detail: first === undefined ? "It is not valid" : `${first.pointer}: ${first.detail}`,
    errors
  })
}

/** RFC 6901. */
const escapePointer = (segment: string) => segment.replaceAll("~", "~0").replaceAll("/", "~1")
