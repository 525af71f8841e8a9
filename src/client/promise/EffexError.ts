/** Codes of the server's problems, and of failures without a response. */
export type ErrorCode = ProblemCode | LocalCode

type ProblemCode =
  | "invalid-request"
  | "unauthorized"
  | "forbidden"
  | "not-found"
  | "method-not-allowed"
  | "request-timeout"
  | "idempotency-conflict"
  | "quote-expired"
  | "quote-used"
  | "payload-too-large"
  | "unsupported-currency"
  | "unsupported-pair"
  | "idempotency-mismatch"
  | "rate-limited"
  | "internal"
  | "overloaded"
  | "rate-too-old"
  | "rate-unavailable"
  | "store-unavailable"
  | "clock-skewed"
  // Servers may add codes.
  | (string & {})

type LocalCode =
  /** An argument or an option is wrong. Nothing was sent. */
  | "invalid-option"
  /** The runtime is too old for this package. */
  | "unsupported-runtime"
  /** The server could not be reached, or the connection was lost. */
  | "unreachable"
  /** No response arrived within `timeout`. */
  | "timeout"
  /** The caller's `AbortSignal` aborted the call. */
  | "aborted"
  /** The client was closed. */
  | "closed"
  /** The response is not one of an effex server. */
  | "unexpected-response"

/** Error of one part of a request. The pointer is a JSON pointer such as `/body/amount`. */
export interface ErrorDetail {
  readonly pointer: string
  readonly detail: string
}

export interface ErrorFields {
  readonly code: ErrorCode
  readonly detail: string
  readonly status?: number
  readonly retryable?: boolean
  readonly traceId?: string | undefined
  readonly errors?: ReadonlyArray<ErrorDetail>
  readonly sent?: boolean
  readonly idempotencyKey?: string | undefined
  readonly retryAfterMillis?: number | undefined
  readonly cause?: unknown
}

/** The error of every failure of this package. */
export class EffexError extends Error {
  /** Stable identifier of the kind of error, for programs. */
  readonly code: ErrorCode
  /** HTTP status. 0 if there was no response. */
  readonly status: number
  /** Says what was wrong, what is allowed and what to do. The same text as `message`. */
  readonly detail: string
  /** True if the same request may succeed later. */
  readonly retryable: boolean
  /** Identifies the request in the server's log and traces. Undefined if nothing was sent. */
  readonly traceId: string | undefined
  /** The invalid parts of the request. */
  readonly errors: ReadonlyArray<ErrorDetail>
  /** True if the server may have processed the request. */
  readonly sent: boolean
  /** Key of a conversion. Repeat the conversion with this key: it happens once. */
  readonly idempotencyKey: string | undefined
  /** Milliseconds after which the server accepts the request again (`Retry-After`). */
  readonly retryAfterMillis: number | undefined

  constructor(fields: ErrorFields) {
    super(fields.detail, fields.cause === undefined ? undefined : { cause: fields.cause })
    this.name = "EffexError"
    this.code = fields.code
    this.status = fields.status ?? 0
    this.detail = fields.detail
    this.retryable = fields.retryable ?? false
    this.traceId = fields.traceId
    this.errors = fields.errors ?? []
    this.sent = fields.sent ?? false
    this.idempotencyKey = fields.idempotencyKey
    this.retryAfterMillis = fields.retryAfterMillis
  }
}

/** Returns the error of a wrong argument or option. */
export const invalidOption = (detail: string) => new EffexError({ code: "invalid-option", detail })
