import { HttpApiError } from "effect/http-api"
import { declare, members } from "./ProblemDefinition.ts"

/** Problems of requests that no endpoint can handle, and of their limits. */

export class InvalidRequest extends HttpApiError.Problem<InvalidRequest>()(
  "InvalidRequest",
  declare("invalid-request", 400, "The request is invalid"),
  members("invalid-request", false)
) {}

export class Forbidden extends HttpApiError.Problem<Forbidden>()(
  "Forbidden",
  declare("forbidden", 403, "The request is not allowed"),
  members("forbidden", false)
) {}

export class NotFound extends HttpApiError.Problem<NotFound>()(
  "NotFound",
  declare("not-found", 404, "Not found"),
  members("not-found", false)
) {}

export class MethodNotAllowed extends HttpApiError.Problem<MethodNotAllowed>()(
  "MethodNotAllowed",
  declare("method-not-allowed", 405, "Method not allowed"),
  members("method-not-allowed", false)
) {}

export class PreconditionFailed extends HttpApiError.Problem<PreconditionFailed>()(
  "PreconditionFailed",
  declare("precondition-failed", 412, "The resource has changed"),
  members("precondition-failed", false)
) {}

export class RequestTimeout extends HttpApiError.Problem<RequestTimeout>()(
  "RequestTimeout",
  declare("request-timeout", 408, "The request did not arrive in time"),
  members("request-timeout", true)
) {}

export class PayloadTooLarge extends HttpApiError.Problem<PayloadTooLarge>()(
  "PayloadTooLarge",
  declare("payload-too-large", 413, "The request body is too large"),
  members("payload-too-large", false)
) {}

export class AddressTooLong extends HttpApiError.Problem<AddressTooLong>()(
  "AddressTooLong",
  declare("address-too-long", 414, "The URL is too long"),
  members("address-too-long", false)
) {}

export class HeadersTooLarge extends HttpApiError.Problem<HeadersTooLarge>()(
  "HeadersTooLarge",
  declare("headers-too-large", 431, "The request headers are too large"),
  members("headers-too-large", false)
) {}

export class RateLimited extends HttpApiError.Problem<RateLimited>()(
  "RateLimited",
  declare("rate-limited", 429, "Too many requests"),
  members("rate-limited", true)
) {
  /** Seconds after which an attempt to sign in is allowed, for the header `Retry-After`. Not part of the body. */
  retryAfter: number | undefined
}

export class IdempotencyConflict extends HttpApiError.Problem<IdempotencyConflict>()(
  "IdempotencyConflict",
  declare("idempotency-conflict", 409, "A request with the same Idempotency-Key is in progress"),
  members("idempotency-conflict", true)
) {}

export class IdempotencyMismatch extends HttpApiError.Problem<IdempotencyMismatch>()(
  "IdempotencyMismatch",
  declare("idempotency-mismatch", 422, "The Idempotency-Key was used for a different request"),
  members("idempotency-mismatch", false)
) {}
