import * as Problem from "../../api/Problem.ts"
import type { InvalidKey, Scope } from "../../domain/access/ApiKey.ts"
import type { SessionEnded } from "../../domain/accounts/Session.ts"
import type { RateLimitExceeded } from "../../domain/access/RateLimit.ts"
import * as RateLimitHeaders from "./headers/RateLimitHeaders.ts"

/** Problem that a request is rejected with, and the response headers that belong to it. */
export interface Rejection<
  P =
    | Problem.Unauthorized
    | Problem.SessionEnded
    | Problem.Forbidden
    | Problem.RateLimited
    | Problem.StoreUnavailable
> {
  readonly problem: P
  readonly headers: Readonly<Record<string, string>>
}

/** Creates a rejection without additional headers. */
export const of = <P>(problem: P): Rejection<P> => ({ problem, headers: {} })

/** `WWW-Authenticate` header of a rejection (RFC 6750, 3). */
const challenge = (parameters: Readonly<Record<string, string>>) => {
  const all = Object.entries({ realm: "effex", ...parameters })
  const text = all.map(([name, value]) => `${name}="${toQuotable(value)}"`).join(", ")
  return { "www-authenticate": `Bearer ${text}` }
}

/** Replaces the characters that are not allowed in a quoted value (RFC 6750, 3). */
const toQuotable = (text: string) => text.replaceAll("…", "...").replace(/[^ !#-[\]-~]/g, "'")

const unauthorized = (
  detail: string,
  parameters: Readonly<Record<string, string>>
): Rejection<Problem.Unauthorized> => ({
  problem: new Problem.Unauthorized({ detail }),
  headers: challenge(parameters)
})

export const missingKey = unauthorized(
  "An API key is required, as `Authorization: Bearer efx_…`; create one with `effex keys create`",
  {}
)

export const missingToken = unauthorized(
  "An access token is required, as `Authorization: Bearer ey…`; sign in at /api/v1/accounts/auth/login",
  {}
)

export const missingAdministrator = unauthorized(
  "An access token of an administrator or an API key with the scope `admin` is required, as `Authorization: Bearer …`; create a key with `effex keys create`",
  {}
)

export const sessionEnded = ({ message }: SessionEnded): Rejection<Problem.SessionEnded> => ({
  problem: new Problem.SessionEnded({ detail: message }),
  headers: challenge({ error: "invalid_token", error_description: message })
})

export const forbidden = (detail: string): Rejection<Problem.Forbidden> =>
  of(new Problem.Forbidden({ detail }))

/** Rejects an invalid API key or access token. */
export const invalidKey = ({ detail }: Pick<InvalidKey, "detail">): Rejection<Problem.Unauthorized> =>
  unauthorized(detail, { error: "invalid_token", error_description: detail })

export const insufficientScope = (scope: Scope): Rejection<Problem.Forbidden> => ({
  problem: new Problem.Forbidden({ detail: `The API key or user lacks the scope \`${scope}\`` }),
  headers: challenge({ error: "insufficient_scope", scope })
})

export const rateLimited = (exceeded: RateLimitExceeded): Rejection<Problem.RateLimited> => ({
  problem: RateLimitHeaders.toProblem(exceeded),
  headers: RateLimitHeaders.headersOfExceeded(exceeded)
})

export const keyNotVerifiable = of(
  new Problem.StoreUnavailable({
    detail: "The API key or access token cannot be verified now; retry later"
  })
)
