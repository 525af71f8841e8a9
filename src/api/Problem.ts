import { Schema } from "effect"
import { HttpApiError } from "effect/http-api"
import { TimestampText } from "../domain/Timestamp.ts"

/** Error of one part of the request. The pointer is a JSON pointer that starts with `/query`, `/path`, `/headers` or `/body`. */
export const ProblemPointer = Schema.Struct({ pointer: Schema.String, detail: Schema.String })

const declare = <const Code extends string, const Status extends number>(
  code: Code,
  status: Status,
  title: string
) => ({
  type: `urn:effex:problem:${code}` as const,
  status,
  title
})

const members = <const Code extends string, const Retryable extends boolean>(
  code: Code,
  retryable: Retryable
) => ({
  /** Stable identifier of the kind of problem, for programs. */
  code: Schema.tag(code),
  errors: Schema.optionalKey(Schema.Array(ProblemPointer)),
  /** True if the same request may succeed later. */
  retryable: Schema.tag(retryable),
  /** Identifies this response in the log and in traces. */
  trace_id: Schema.optionalKey(Schema.String)
})

export class InvalidRequest extends HttpApiError.Problem<InvalidRequest>()(
  "InvalidRequest",
  declare("invalid-request", 400, "The request is invalid"),
  members("invalid-request", false)
) {}

export class Unauthorized extends HttpApiError.Problem<Unauthorized>()(
  "Unauthorized",
  declare("unauthorized", 401, "Authentication is required"),
  members("unauthorized", false)
) {}

export class InvalidCredentials extends HttpApiError.Problem<InvalidCredentials>()(
  "InvalidCredentials",
  declare("invalid-credentials", 401, "Wrong username, password or code"),
  members("invalid-credentials", false)
) {}

export class MfaRequired extends HttpApiError.Problem<MfaRequired>()(
  "MfaRequired",
  declare("mfa-required", 401, "A second factor is required"),
  {
    ...members("mfa-required", false),
    /** Stands for the password for five minutes: send it with a `code`. */
    mfa_token: Schema.String
  }
) {}

export class MfaState extends HttpApiError.Problem<MfaState>()(
  "MfaState",
  declare("mfa-state", 409, "The second factor is not in this state"),
  members("mfa-state", false)
) {}

export class SessionEnded extends HttpApiError.Problem<SessionEnded>()(
  "SessionEnded",
  declare("session-ended", 401, "The session has ended"),
  members("session-ended", false)
) {}

export class AccountLocked extends HttpApiError.Problem<AccountLocked>()(
  "AccountLocked",
  declare("account-locked", 403, "The account is locked"),
  members("account-locked", false)
) {}

export class UsernameTaken extends HttpApiError.Problem<UsernameTaken>()(
  "UsernameTaken",
  declare("username-taken", 409, "The username is taken"),
  members("username-taken", false)
) {}

export class LastAdministrator extends HttpApiError.Problem<LastAdministrator>()(
  "LastAdministrator",
  declare("last-administrator", 409, "The last administrator must remain"),
  members("last-administrator", false)
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

export class IdempotencyConflict extends HttpApiError.Problem<IdempotencyConflict>()(
  "IdempotencyConflict",
  declare("idempotency-conflict", 409, "A request with the same Idempotency-Key is in progress"),
  members("idempotency-conflict", true)
) {}

export class QuoteExpired extends HttpApiError.Problem<QuoteExpired>()(
  "QuoteExpired",
  declare("quote-expired", 409, "The quote has expired"),
  members("quote-expired", false)
) {}

export class QuoteUsed extends HttpApiError.Problem<QuoteUsed>()(
  "QuoteUsed",
  declare("quote-used", 409, "The quote was already used"),
  members("quote-used", false)
) {}

export class AlreadyDecided extends HttpApiError.Problem<AlreadyDecided>()(
  "AlreadyDecided",
  declare("already-decided", 409, "The decision was already made"),
  members("already-decided", false)
) {}

export class AssetRefused extends HttpApiError.Problem<AssetRefused>()(
  "AssetRefused",
  declare("asset-refused", 422, "The catalogue does not take the asset"),
  members("asset-refused", false)
) {}

export class AdjustmentRefused extends HttpApiError.Problem<AdjustmentRefused>()(
  "AdjustmentRefused",
  declare("adjustment-refused", 422, "The ledger refuses the adjustment"),
  members("adjustment-refused", false)
) {}

export class FundingEnded extends HttpApiError.Problem<FundingEnded>()(
  "FundingEnded",
  declare("funding-ended", 409, "The deposit or withdrawal has ended"),
  {
    ...members("funding-ended", false),
    state: Schema.Literals(["pending", "completed", "failed"]),
    /** Reference of the payment, if it is completed. */
    reference: Schema.NullOr(Schema.String),
    /** Why it failed. */
    reason: Schema.NullOr(Schema.String)
  }
) {}

export class PaymentReferenceUsed extends HttpApiError.Problem<PaymentReferenceUsed>()(
  "PaymentReferenceUsed",
  declare("payment-reference-used", 409, "The payment has completed another request"),
  {
    ...members("payment-reference-used", false),
    /** Id of the request that it completed. */
    funding_id: Schema.String
  }
) {}

export class FundingRefused extends HttpApiError.Problem<FundingRefused>()(
  "FundingRefused",
  declare("funding-refused", 422, "The ledger refuses the movement"),
  members("funding-refused", false)
) {}

export class InsufficientFunds extends HttpApiError.Problem<InsufficientFunds>()(
  "InsufficientFunds",
  declare("insufficient-funds", 402, "The available balance is too small"),
  {
    ...members("insufficient-funds", false),
    /** What the wallet can spend of the asset. */
    available: Schema.String
  }
) {}

export class LimitExceeded extends HttpApiError.Problem<LimitExceeded>()(
  "LimitExceeded",
  declare("limit-exceeded", 403, "A rule refuses the movement"),
  {
    ...members("limit-exceeded", false),
    /** What can still be moved until `resets_at`, in `unit`. Null if a rule without a limit refuses the movement. */
    remaining: Schema.NullOr(Schema.String),
    /** A currency, or `movements`. */
    unit: Schema.NullOr(Schema.String),
    resets_at: Schema.NullOr(TimestampText)
  }
) {}

export class ReviewRefused extends HttpApiError.Problem<ReviewRefused>()(
  "ReviewRefused",
  declare("review-refused", 422, "The ledger refuses the movement"),
  members("review-refused", false)
) {}

export class RecipientNotFound extends HttpApiError.Problem<RecipientNotFound>()(
  "RecipientNotFound",
  declare("recipient-not-found", 404, "The recipient does not exist"),
  members("recipient-not-found", false)
) {}

export class SameWallet extends HttpApiError.Problem<SameWallet>()(
  "SameWallet",
  declare("same-wallet", 422, "The recipient is the sender"),
  members("same-wallet", false)
) {}

export class AssetUnavailable extends HttpApiError.Problem<AssetUnavailable>()(
  "AssetUnavailable",
  declare("asset-unavailable", 422, "The asset is not available"),
  members("asset-unavailable", false)
) {}

export class OrderTooSmall extends HttpApiError.Problem<OrderTooSmall>()(
  "OrderTooSmall",
  declare("order-too-small", 422, "The order is too small"),
  members("order-too-small", false)
) {}

export class OrderNotCancellable extends HttpApiError.Problem<OrderNotCancellable>()(
  "OrderNotCancellable",
  declare("order-not-cancellable", 409, "The order cannot be cancelled"),
  members("order-not-cancellable", false)
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

export class UnsupportedCurrency extends HttpApiError.Problem<UnsupportedCurrency>()(
  "UnsupportedCurrency",
  declare("unsupported-currency", 422, "The currency is not supported"),
  members("unsupported-currency", false)
) {}

export class UnsupportedPair extends HttpApiError.Problem<UnsupportedPair>()(
  "UnsupportedPair",
  declare("unsupported-pair", 422, "The pair is not supported"),
  members("unsupported-pair", false)
) {}

export class IdempotencyMismatch extends HttpApiError.Problem<IdempotencyMismatch>()(
  "IdempotencyMismatch",
  declare("idempotency-mismatch", 422, "The Idempotency-Key was used for a different request"),
  members("idempotency-mismatch", false)
) {}

export class RateLimited extends HttpApiError.Problem<RateLimited>()(
  "RateLimited",
  declare("rate-limited", 429, "Too many requests"),
  members("rate-limited", true)
) {
  /** Seconds after which an attempt to sign in is allowed, for the header `Retry-After`. Not part of the body. */
  retryAfter: number | undefined
}

export class Internal extends HttpApiError.Problem<Internal>()(
  "Internal",
  declare("internal", 500, "Internal server error"),
  members("internal", true)
) {}

export class RateTooOld extends HttpApiError.Problem<RateTooOld>()(
  "RateTooOld",
  declare("rate-too-old", 503, "No rate is fresh enough"),
  members("rate-too-old", true)
) {
  /** Seconds until the caller may demand a refresh again, for the header `Retry-After`. Not part of the body. */
  retryAfter: number | undefined
}

export class RateUnavailable extends HttpApiError.Problem<RateUnavailable>()(
  "RateUnavailable",
  declare("rate-unavailable", 503, "No rate is available"),
  members("rate-unavailable", true)
) {
  /** Seconds until a provider may be asked again, for the header `Retry-After`. Not part of the body. */
  retryAfter: number | undefined
}

export class StoreUnavailable extends HttpApiError.Problem<StoreUnavailable>()(
  "StoreUnavailable",
  declare("store-unavailable", 503, "The database is unavailable"),
  members("store-unavailable", true)
) {}

export class Overloaded extends HttpApiError.Problem<Overloaded>()(
  "Overloaded",
  declare("overloaded", 503, "The node has too much to do"),
  members("overloaded", true)
) {}

export class ClockSkewed extends HttpApiError.Problem<ClockSkewed>()(
  "ClockSkewed",
  declare("clock-skewed", 503, "The clock of the node is wrong"),
  members("clock-skewed", true)
) {}

/** Every problem that a response can contain. */
export const Problem = Schema.Union([
  InvalidRequest,
  Unauthorized,
  InvalidCredentials,
  MfaRequired,
  MfaState,
  SessionEnded,
  AccountLocked,
  UsernameTaken,
  LastAdministrator,
  Forbidden,
  NotFound,
  MethodNotAllowed,
  IdempotencyConflict,
  QuoteExpired,
  QuoteUsed,
  AlreadyDecided,
  AssetRefused,
  AdjustmentRefused,
  FundingEnded,
  PaymentReferenceUsed,
  FundingRefused,
  InsufficientFunds,
  LimitExceeded,
  ReviewRefused,
  RecipientNotFound,
  SameWallet,
  AssetUnavailable,
  OrderTooSmall,
  OrderNotCancellable,
  PreconditionFailed,
  RequestTimeout,
  PayloadTooLarge,
  AddressTooLong,
  HeadersTooLarge,
  UnsupportedCurrency,
  UnsupportedPair,
  IdempotencyMismatch,
  RateLimited,
  Internal,
  RateTooOld,
  RateUnavailable,
  StoreUnavailable,
  Overloaded,
  ClockSkewed
])
export type Problem = typeof Problem.Type
