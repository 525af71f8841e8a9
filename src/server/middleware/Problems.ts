import { Effect, Layer, Schema } from "effect"
import type { Cause } from "effect"
import { HttpServerRequest, HttpServerResponse, ProblemDetails } from "effect/http"
import * as Problem from "../../api/Problem.ts"
import { ProblemResponses } from "../../api/ProblemResponses.ts"
import type * as Conversion from "../../domain/conversion/Conversion.ts"
import type * as ConversionErrors from "../../domain/conversion/ConversionErrors.ts"
import type * as Currency from "../../domain/money/Currency.ts"
import type * as CurrencyPair from "../../domain/money/CurrencyPair.ts"
import type * as PollerSetting from "../../domain/rates/PollerSetting.ts"
import type * as PollRun from "../../domain/rates/PollRun.ts"
import type * as QuarantinedRate from "../../domain/rates/QuarantinedRate.ts"
import type * as Rate from "../../domain/rates/Rate.ts"
import * as RequestId from "../../platform/RequestId.ts"
import * as FlutterwaveFailure from "../http/FlutterwaveFailure.ts"
import * as Routes from "../Routes.ts"

/** What is wrong with a pair. */
export const pairProblem = (error: Currency.UnsupportedCurrency | CurrencyPair.UnsupportedPair) =>
  error._tag === "UnsupportedCurrency"
    ? new Problem.UnsupportedCurrency({ detail: error.message })
    : new Problem.UnsupportedPair({ detail: error.message })

/** Tells what is wrong with a currency; for `Effect.catchTags`, as are the ones below. */
export const ofCurrency = {
  UnsupportedCurrency: ({ message }: Currency.UnsupportedCurrency) =>
    Effect.fail(new Problem.UnsupportedCurrency({ detail: message }))
}

/** Tells that there is no such currency at all. */
export const ofUnknownCurrency = {
  UnknownCurrency: ({ message }: Currency.UnknownCurrency) =>
    Effect.fail(new Problem.UnsupportedCurrency({ detail: message }))
}

/** Tells what is wrong with a pair. */
export const ofPair = {
  ...ofCurrency,
  UnsupportedPair: (error: CurrencyPair.UnsupportedPair) => Effect.fail(pairProblem(error))
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
  RateTooOld: ({ message }: Rate.RateTooOld) => Effect.fail(new Problem.RateTooOld({ detail: message })),
  RateUnavailable: ({ message }: Rate.RateUnavailable) =>
    Effect.fail(new Problem.RateUnavailable({ detail: message }))
}

/** Tells why there is no price. */
export const ofPrice = {
  ...ofLookup,
  AmountOutOfRange: ({ detail }: Conversion.AmountOutOfRange) => Effect.fail(invalid("/body/amount", detail))
}

/** Tells that there is no such quote. */
export const ofQuote = {
  ...ofStore,
  QuoteNotFound: ({ message }: ConversionErrors.QuoteNotFound) =>
    Effect.fail(new Problem.NotFound({ detail: message }))
}

/** Tells why there is no conversion. */
export const ofConversion = {
  ...ofPrice,
  ...ofQuote,
  QuoteMismatch: ({ field, message }: ConversionErrors.QuoteMismatch) =>
    Effect.fail(invalid(`/body/${field}`, message)),
  QuoteExpired: ({ message }: ConversionErrors.QuoteExpired) =>
    Effect.fail(new Problem.QuoteExpired({ detail: message })),
  QuoteUsed: ({ message }: ConversionErrors.QuoteUsed) =>
    Effect.fail(new Problem.QuoteUsed({ detail: message })),
  IdempotencyConflict: ({ message }: ConversionErrors.IdempotencyConflict) =>
    Effect.fail(new Problem.IdempotencyConflict({ detail: message })),
  IdempotencyMismatch: ({ message }: ConversionErrors.IdempotencyMismatch) =>
    Effect.fail(new Problem.IdempotencyMismatch({ detail: message }))
}

/** Tells that no such thing was put aside. */
export const ofQuarantined = {
  ...ofStore,
  QuarantineNotFound: ({ message }: QuarantinedRate.QuarantineNotFound) =>
    Effect.fail(new Problem.NotFound({ detail: message }))
}

/** Tells why nothing is decided about what was put aside. */
export const ofDecision = {
  ...ofQuarantined,
  AlreadyDecided: ({ message }: QuarantinedRate.AlreadyDecided) =>
    Effect.fail(new Problem.AlreadyDecided({ detail: message }))
}

/** Tells that there is no such poll. */
export const ofPoll = {
  ...ofStore,
  PollNotFound: ({ message }: PollRun.PollNotFound) => Effect.fail(new Problem.NotFound({ detail: message }))
}

/** Tells why the poller's setting is not changed. */
export const ofPollerChange = {
  ...ofStore,
  PollerSettingChanged: ({ message }: PollerSetting.PollerSettingChanged) =>
    Effect.fail(new Problem.PreconditionFailed({ detail: message }))
}

/** One thing that is wrong with a request, and where. */
export const invalid = (pointer: string, detail: string) =>
  new Problem.InvalidRequest({ detail: `${pointer}: ${detail}`, errors: [{ pointer, detail }] })

/** How soon a request that may succeed later is worth repeating. */
const RETRY_AFTER_SECONDS = "1"
/** A path is repeated no further than this. */
const MAX_INSTANCE_LENGTH = 256

/** An answer that tells a problem. */
export type Response = ReturnType<typeof respond>

/** The answer that tells a problem: in Flutterwave's shape to those who ask at one of Flutterwave's paths. */
export const respond = Effect.fnUntraced(function* (
  problem: Problem.Problem,
  options: { readonly headers?: Readonly<Record<string, string>> } = {}
) {
  const { url } = yield* HttpServerRequest.HttpServerRequest
  const traceId = problem.trace_id ?? (yield* RequestId.currentTraceId)
  const response = Routes.isFlutterwave(url)
    ? FlutterwaveFailure.respond(problem.status, problem.detail ?? problem.title)
    : HttpServerResponse.text(textOf(problem, pathOf(url), traceId), {
        status: problem.status,
        contentType: ProblemDetails.contentType
      })
  return HttpServerResponse.setHeaders(response, { ...headersOf(problem), ...options.headers })
})

/** What is said of a problem beside the problem itself. */
export const headersOf = ({ retryable }: Problem.Problem): Readonly<Record<string, string>> => ({
  "cache-control": "no-store",
  ...(retryable ? { "retry-after": RETRY_AFTER_SECONDS } : {})
})

/** As it was asked for, so that the caller knows it again. */
const pathOf = (url: string) => url.slice(0, MAX_INSTANCE_LENGTH).replace(/[?#].*$/s, "")

/** The body that tells a problem. */
export const textOf = (problem: Problem.Problem, instance: string, traceId: string): string => {
  const { code, detail, errors, retryable, status, title, type } = problem
  return JSON.stringify({ type, title, status, detail, instance, code, errors, retryable, trace_id: traceId })
}

/** What nobody foresaw: it is logged under the id that the answer names, and nothing else of it is told. */
export const ofUnforeseen = Effect.fnUntraced(function* (what: string, cause: Cause.Cause<unknown>) {
  const traceId = yield* RequestId.currentTraceId
  yield* Effect.logError(`Unforeseen failure of ${what}`, cause).pipe(Effect.annotateLogs({ traceId }))
  return new Problem.Internal({ trace_id: traceId })
})

const isProblem = Schema.is(Problem.Problem)

/** Answers what an endpoint of the API fails with. */
export const layerProblemResponses = Layer.succeed(ProblemResponses, (endpoint) =>
  Effect.catchIf(endpoint, isProblem, (problem) => respond(problem))
)
