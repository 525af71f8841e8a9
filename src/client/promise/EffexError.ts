/** Codes of the server's problems, and of failures without a response. */
export type ErrorCode = ProblemCode | LocalCode

type ProblemCode =
  | "invalid-request"
  | "unauthorized"
  | "invalid-credentials"
  | "mfa-required"
  | "mfa-state"
  | "session-ended"
  | "account-locked"
  | "username-taken"
  | "insufficient-funds"
  | "limit-exceeded"
  | "recipient-not-found"
  | "same-wallet"
  | "asset-unavailable"
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
  /** All members of the problem as the server sent it. */
  readonly problem?: Readonly<Record<string, unknown>> | undefined
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
  /** Key of a request that moves money. Repeat the request with this key: it happens once. */
  readonly idempotencyKey: string | undefined
  /** Milliseconds after which the server accepts the request again (`Retry-After`). */
  readonly retryAfterMillis: number | undefined
  /** Private, so that no log shows it: it can have a token. */
  readonly #problem: Readonly<Record<string, unknown>>

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
    this.#problem = fields.problem ?? {}
  }

  /** Returns the members of the problem as the server sent it. Not for logs: they can have a token. */
  static problemOf(error: EffexError): Readonly<Record<string, unknown>> {
    return error.#problem
  }
}

/** The account has a second factor: call `accounts.login` with `mfaToken` and a code. */
export class MfaRequired extends EffexError {
  /** Replaces username and password for five minutes. It is not visible in logs. */
  get mfaToken(): string {
    return String(EffexError.problemOf(this)["mfa_token"])
  }
}

/**
 * No user is signed in, or the session is over: it expired, was ended on another device or by an administrator, or its
 * refresh token was used twice. `detail` says which. The tokens are deleted, and nothing more is sent with them.
 */
export class SessionEnded extends EffexError {}

/** The wallet has less than the amount. No money moved. */
export class InsufficientFunds extends EffexError {
  /** Amount of the asset that the wallet can spend, as decimal text. */
  get available(): string {
    return String(EffexError.problemOf(this)["available"])
  }
}

/** A rule of the operator refuses the movement. No money moved. */
export class LimitExceeded extends EffexError {
  /** Amount that can still be moved until `resetsAt`, in `unit`. Undefined if a rule without a limit refuses the movement. */
  get remaining(): string | undefined {
    return this.#text("remaining")
  }
  /** A currency, or `movements`. */
  get unit(): string | undefined {
    return this.#text("unit")
  }
  get resetsAt(): Date | undefined {
    const time = this.#text("resets_at")
    return time === undefined ? undefined : new Date(time)
  }
  #text(name: string) {
    const value = EffexError.problemOf(this)[name]
    return typeof value === "string" ? value : undefined
  }
}

const CLASSES: Readonly<Record<string, typeof EffexError>> = {
  "mfa-required": MfaRequired,
  "session-ended": SessionEnded,
  "insufficient-funds": InsufficientFunds,
  "limit-exceeded": LimitExceeded
}

/** Returns the error of a problem, of the class that its code has. */
export const fromProblem = (fields: ErrorFields): EffexError =>
  new (CLASSES[fields.code] ?? EffexError)(fields)

/** Returns the error of a call that needs a user while no user is signed in. */
export const notSignedIn = () =>
  new SessionEnded({
    code: "session-ended",
    detail: "No user is signed in; call accounts.login or accounts.register first"
  })

/** Returns the error of a wrong argument or option. */
export const invalidOption = (detail: string) => new EffexError({ code: "invalid-option", detail })
