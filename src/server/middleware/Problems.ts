import { Effect, Layer, Schema } from "effect"
import type { Cause } from "effect"
import { HttpServerRequest, HttpServerResponse, ProblemDetails } from "effect/http"
import * as Problem from "../../api/Problem.ts"
import { ProblemResponses } from "../../api/ProblemResponses.ts"
import { inSeconds } from "../../domain/access/RateLimit.ts"
import type * as Conversion from "../../domain/conversion/Conversion.ts"
import type * as ConversionErrors from "../../domain/conversion/ConversionErrors.ts"
import type * as Currency from "../../domain/money/Currency.ts"
import type * as AssetErrors from "../../domain/assets/AssetErrors.ts"
import type * as Asset from "../../domain/money/Asset.ts"
import type * as SupportedPairs from "../../domain/money/SupportedPairs.ts"
import type * as PollerSetting from "../../domain/rates/PollerSetting.ts"
import type * as PollRun from "../../domain/rates/PollRun.ts"
import type * as QuarantinedRate from "../../domain/rates/QuarantinedRate.ts"
import type * as Rate from "../../domain/rates/Rate.ts"
import type * as ClockSkew from "../../platform/ClockSkew.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"
import * as RequestId from "../../platform/RequestId.ts"
import * as FlutterwaveFailure from "../http/FlutterwaveFailure.ts"
import * as Routes from "../Routes.ts"
import * as JsonRequests from "./JsonRequests.ts"

/** Converts an error of a pair to a problem. */
export const fromPairError = (error: Currency.UnsupportedCurrency | SupportedPairs.UnsupportedPair) =>
  error._tag === "UnsupportedCurrency"
    ? new Problem.UnsupportedCurrency({ detail: error.message })
    : new Problem.UnsupportedPair({ detail: error.message })

// Handlers for `Effect.catchTags` that convert domain errors to problems.

export const currencyErrors = {
  UnsupportedCurrency: ({ message }: Currency.UnsupportedCurrency) =>
    Effect.fail(new Problem.UnsupportedCurrency({ detail: message }))
}

export const unknownCurrencyErrors = {
  UnknownCurrency: ({ message }: Currency.UnknownCurrency) =>
    Effect.fail(new Problem.UnsupportedCurrency({ detail: message }))
}

export const unknownAssetErrors = {
  UnknownAsset: ({ message }: Asset.UnknownAsset) =>
    Effect.fail(new Problem.UnsupportedCurrency({ detail: message }))
}

export const pairErrors = {
  ...currencyErrors,
  UnsupportedPair: (error: SupportedPairs.UnsupportedPair) => Effect.fail(fromPairError(error))
}

const LOCKED = "Another request is changing the same data"

export const storeErrors = {
  StoreUnavailable: ({ isLocked }: StoreUnavailable) => {
    const detail = `${isLocked ? LOCKED : "The database is unavailable"}; retry later`
    return Effect.fail(new Problem.StoreUnavailable({ detail }))
  }
}

export const lookupErrors = {
  ...storeErrors,
  RateTooOld: ({ message, refreshes }: Rate.RateTooOld) =>
    Effect.suspend(() => {
      const problem = new Problem.RateTooOld({ detail: message })
      if (refreshes !== undefined) problem.retryAfter = inSeconds(refreshes.retryAfter)
      return Effect.fail(problem)
    }),
  RateUnavailable: ({ message, retryAfter }: Rate.RateUnavailable) =>
    Effect.suspend(() => {
      const problem = new Problem.RateUnavailable({ detail: message })
      if (retryAfter !== undefined) problem.retryAfter = inSeconds(retryAfter)
      return Effect.fail(problem)
    })
}

const clockErrors = {
  ClockSkewed: ({ message }: ClockSkew.ClockSkewed) =>
    Effect.fail(new Problem.ClockSkewed({ detail: message }))
}

export const pricingErrors = {
  ...lookupErrors,
  ...clockErrors,
  AmountOutOfRange: ({ detail }: Conversion.AmountOutOfRange) => Effect.fail(invalid("/body/amount", detail))
}

export const quoteErrors = {
  ...storeErrors,
  QuoteNotFound: ({ message }: ConversionErrors.QuoteNotFound) =>
    Effect.fail(new Problem.NotFound({ detail: message }))
}

/** Of requests that move money, also for what is read after the commit. The database may have committed without confirming it. */
export const unconfirmedErrors = {
  StoreUnavailable: ({ isLocked }: StoreUnavailable) => {
    const state = isLocked
      ? LOCKED
      : "The database did not confirm the request, so it may have been carried out"
    const detail = `${state}; retry with the same Idempotency-Key, or without a key look for it first`
    return Effect.fail(new Problem.StoreUnavailable({ detail }))
  }
}

/** Of requests with an idempotency key. */
export const idempotentErrors = {
  ...unconfirmedErrors,
  IdempotencyMismatch: ({ message }: ConversionErrors.IdempotencyMismatch) =>
    Effect.fail(new Problem.IdempotencyMismatch({ detail: message }))
}

export const conversionErrors = {
  ...pricingErrors,
  ...quoteErrors,
  ...idempotentErrors,
  QuoteMismatch: ({ field, message }: ConversionErrors.QuoteMismatch) =>
    Effect.fail(invalid(`/body/${field}`, message)),
  QuoteExpired: ({ message }: ConversionErrors.QuoteExpired) =>
    Effect.fail(new Problem.QuoteExpired({ detail: message })),
  QuoteUsed: ({ message }: ConversionErrors.QuoteUsed) =>
    Effect.fail(new Problem.QuoteUsed({ detail: message })),
  IdempotencyConflict: ({ message }: ConversionErrors.IdempotencyConflict) =>
    Effect.fail(new Problem.IdempotencyConflict({ detail: message }))
}

export const quarantineErrors = {
  ...storeErrors,
  QuarantineNotFound: ({ message }: QuarantinedRate.QuarantineNotFound) =>
    Effect.fail(new Problem.NotFound({ detail: message }))
}

export const quarantineDecisionErrors = {
  ...quarantineErrors,
  AlreadyDecided: ({ message }: QuarantinedRate.AlreadyDecided) =>
    Effect.fail(new Problem.AlreadyDecided({ detail: message }))
}

export const pollNowErrors = { ...storeErrors, ...clockErrors }

export const pollErrors = {
  ...storeErrors,
  PollNotFound: ({ message }: PollRun.PollNotFound) => Effect.fail(new Problem.NotFound({ detail: message }))
}

export const pollerSettingErrors = {
  ...storeErrors,
  PollerSettingChanged: ({ message }: PollerSetting.PollerSettingChanged) =>
    Effect.fail(new Problem.PreconditionFailed({ detail: message }))
}

export const assetErrors = {
  ...storeErrors,
  AssetRefused: ({ message }: AssetErrors.AssetRefused) =>
    Effect.fail(new Problem.AssetRefused({ detail: message })),
  AssetChanged: ({ message }: AssetErrors.AssetChanged) =>
    Effect.fail(new Problem.PreconditionFailed({ detail: message }))
}

export const delistErrors = {
  ...assetErrors,
  AssetNotFound: ({ message }: AssetErrors.AssetNotFound) =>
    Effect.fail(new Problem.NotFound({ detail: message }))
}

/** Problem with one field of a request, named by a JSON pointer. */
export const invalid = (pointer: string, detail: string) =>
  new Problem.InvalidRequest({ detail: `${pointer}: ${detail}`, errors: [{ pointer, detail }] })

/** `Retry-After` of retryable problems. */
const RETRY_AFTER_SECONDS = 1
const MAX_INSTANCE_LENGTH = 256

/** Effect that creates the response for a problem. */
export type ProblemResponse = ReturnType<typeof respond>

/** Responds with a problem; on Flutterwave's paths, with an error in Flutterwave's shape. */
export const respond = Effect.fnUntraced(function* (
  problem: Problem.Problem,
  options: { readonly headers?: Readonly<Record<string, string>> } = {}
) {
  const { url } = yield* HttpServerRequest.HttpServerRequest
  const traceId = problem.trace_id ?? (yield* RequestId.currentTraceId)
  const response = Routes.isFlutterwave(url)
    ? FlutterwaveFailure.respond(problem.status, problem.detail ?? problem.title)
    : HttpServerResponse.text(toJson(problem, instanceOf(url), traceId), {
        status: problem.status,
        contentType: ProblemDetails.contentType
      })
  return HttpServerResponse.setHeaders(response, { ...headersOf(problem), ...options.headers })
})

/** Headers that every response with this problem has. */
export const headersOf = (problem: Problem.Problem): Readonly<Record<string, string>> => ({
  "cache-control": "no-store",
  ...(problem.retryable ? { "retry-after": String(retryAfterOf(problem) ?? RETRY_AFTER_SECONDS) } : {})
})

const retryAfterOf = (problem: Problem.Problem) =>
  problem.code === "rate-too-old" || problem.code === "rate-limited" || problem.code === "rate-unavailable"
    ? problem.retryAfter
    : undefined

/** Path of the request as the client sent it, without the query. */
const instanceOf = (url: string) => url.slice(0, MAX_INSTANCE_LENGTH).replace(/[?#].*$/s, "")

/** Body of a response with a problem. */
export const toJson = (problem: Problem.Problem, instance: string, traceId: string): string => {
  const { code, detail, errors, retryable, status, title, type } = problem
  return JSON.stringify({
    type,
    title,
    status,
    detail,
    instance,
    code,
    errors,
    retryable,
    ...extensionsOf(problem),
    trace_id: traceId
  })
}

/** Members that only some problems have. */
const extensionsOf = (problem: Problem.Problem) => {
  switch (problem.code) {
    case "mfa-required":
      return { mfa_token: problem.mfa_token }
    case "insufficient-funds":
      return { available: problem.available }
    case "limit-exceeded":
      return { remaining: problem.remaining, unit: problem.unit, resets_at: problem.resets_at }
    case "funding-ended":
      return { state: problem.state, reference: problem.reference, reason: problem.reason }
    case "payment-reference-used":
      return { funding_id: problem.funding_id }
    case "review-price-moved": {
      const { current_rate, max_slippage, requested_rate } = problem
      return { requested_rate, current_rate, max_slippage }
    }
    default:
      return undefined
  }
}

/** Logs an unexpected failure, and returns a problem that reveals only the trace id under which it was logged. */
export const unexpected = Effect.fnUntraced(function* (subject: string, cause: Cause.Cause<unknown>) {
  const traceId = yield* RequestId.currentTraceId
  yield* Effect.logError(`Unexpected failure of ${subject}`, cause).pipe(Effect.annotateLogs({ traceId }))
  return new Problem.Internal({ trace_id: traceId })
})

const isProblem = Schema.is(Problem.Problem)

/** Responds with the problem that an endpoint fails with. Bodies are JSON, so that no endpoint responds with other text. */
export const layerProblemResponses = Layer.succeed(ProblemResponses, (endpoint) =>
  Effect.catchIf(JsonRequests.readAsJson(endpoint), isProblem, (problem) => respond(problem))
)
