import { Effect, Metric, Option, Result } from "effect"
import { ApiKeys } from "../../../access/ApiKeys.ts"
import { RateLimits } from "../../../access/RateLimits.ts"
import * as TokenFormat from "../../../accounts/tokens/AccessTokensFormat.ts"
import { InvalidKey } from "../../../domain/access/ApiKey.ts"
import type { KeyPrincipal, UserPrincipal } from "../../../domain/access/Principal.ts"
import type { RateLimitExceeded, RateLimitKind, RateLimitStatus } from "../../../domain/access/RateLimit.ts"
import type { SessionEnded } from "../../../domain/accounts/Session.ts"
import * as HttpMetrics from "../../../platform/metrics/HttpMetrics.ts"
import type { StoreUnavailable } from "../../../platform/postgres/StoreUnavailable.ts"
import { UserAccess } from "./UserAccess.ts"

/** Credentials of a request that is not authenticated yet. */
export interface Credentials {
  /** Value of the `Authorization` header. */
  readonly authorization: string | undefined
  /** Rate-limit identity of a request without a key; see `ClientAddress`. */
  readonly address: string
  /** Number of requests that the request counts as, by default 1; see `RequestCosts`. */
  readonly cost?: number
  /** Receives the rate-limit status once the request is counted. */
  readonly reportRateLimit: (status: RateLimitStatus) => void
}

/** Authenticates the API key or the access token of a request. */
export const make = Effect.gen(function* () {
  const keys = yield* ApiKeys
  const users = yield* UserAccess
  const rateLimits = yield* RateLimits

  /** Counts a request of an identity, and reports its rate-limit status. */
  const consume = (
    kind: RateLimitKind,
    identity: string,
    { cost, reportRateLimit }: Pick<Credentials, "cost" | "reportRateLimit">
  ) =>
    Effect.map(rateLimits.consume(kind, identity, cost), (status) => {
      if (Option.isSome(status)) reportRateLimit(status.value)
    })

  /** Returns undefined for a request without credentials. Invalid and unknown ones are counted per address. */
  const authenticate = (
    credentials: Credentials
  ): Effect.Effect<
    KeyPrincipal | UserPrincipal | undefined,
    InvalidKey | SessionEnded | StoreUnavailable | RateLimitExceeded
  > => {
    if (credentials.authorization === undefined) return Effect.undefined
    const countInvalidKey = consume("keys", credentials.address, { ...credentials, cost: 1 })
    return Effect.fromResult(bearerKey(credentials.authorization)).pipe(
      Effect.tapError(() => countInvalidKey),
      Effect.flatMap((key): ReturnType<typeof authenticate> => {
        if (key === undefined) return Effect.undefined
        if (!TokenFormat.isToken(key)) return keys.authenticate(key, countInvalidKey)
        return users.authenticate(key).pipe(
          Effect.tapError(() => countInvalidKey),
          Effect.catchTag("InvalidAccessToken", ({ detail }) => Effect.fail(new InvalidKey({ detail })))
        )
      }),
      Effect.tapErrorTag("InvalidKey", () => Metric.update(HttpMetrics.rejectedKeys, 1))
    )
  }

  /** Returns none without a key, and undefined if the key is invalid or has to be looked up. */
  const authenticateSync = (
    authorization: string | undefined,
    now: number
  ): Option.Option<KeyPrincipal | UserPrincipal> | undefined => {
    if (authorization === undefined) return Option.none()
    const key = bearerKey(authorization)
    if (Result.isFailure(key)) return undefined
    if (key.success === undefined) return Option.none()
    const principal = TokenFormat.isToken(key.success)
      ? users.authenticateSync(key.success, now)
      : keys.authenticateSync(key.success, now)
    return principal && Option.some<KeyPrincipal | UserPrincipal>(principal)
  }

  return { consume, authenticate, authenticateSync }
})

/** Returns the key of an `Authorization` header, or undefined if the header has another scheme: a proxy may use it. */
const bearerKey = (authorization: string): Result.Result<string | undefined, InvalidKey> => {
  const [, key] = /^bearer(?: +(.*))?$/is.exec(authorization) ?? []
  if (key !== undefined) return Result.succeed(key)
  return /^(bearer|efx_)/i.test(authorization)
    ? Result.fail(
        new InvalidKey({
          detail: "The header must be `Authorization: Bearer efx_…`, or `Bearer ey…` for a user"
        })
      )
    : Result.succeed(undefined)
}
