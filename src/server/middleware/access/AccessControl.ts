import { Clock, Context, Effect, Layer, Option, Result } from "effect"
import { REFRESH_TIMEOUT } from "../../../access/ApiKeyCache.ts"
import { RateLimits } from "../../../access/RateLimits.ts"
import type * as Problem from "../../../api/Problem.ts"
import type { CurrentUser } from "../../../api/access/CurrentUser.ts"
import type { Scope } from "../../../domain/access/ApiKey.ts"
import type { Principal, UserPrincipal } from "../../../domain/access/Principal.ts"
import type { SessionId } from "../../../domain/accounts/Session.ts"
import {
  RateLimitExceeded,
  type RateLimitKind,
  type RateLimitStatus
} from "../../../domain/access/RateLimit.ts"
import * as Authentication from "./Authentication.ts"
import * as RateLimitHeaders from "../headers/RateLimitHeaders.ts"
import * as Rejection from "../Rejection.ts"
import * as ScopePolicy from "./ScopePolicy.ts"
import { UserAccess } from "./UserAccess.ts"

/** Outcome of one request of a batch. */
export interface Authorization {
  readonly principal: Result.Result<Principal, Rejection.Rejection>
  /** Undefined if the request was rejected by its rate limit, or has none. */
  readonly rateLimit: RateLimitStatus | undefined
}

/**
 * Authenticates requests, checks their scope and counts them against their rate limit. The rate-limit identity of a
 * request is the id of its API key or user, or its address if it has neither.
 */
export class AccessControl extends Context.Service<
  AccessControl,
  {
    /**
     * Returns the principal of a request that requires a scope. A key is optional where the settings open the scope to
     * everybody, but the scopes of a key that is sent always apply.
     */
    readonly authorize: (
      scope: Scope,
      kind: RateLimitKind,
      credentials: Authentication.Credentials
    ) => Effect.Effect<Principal, Rejection.Rejection>
    /** Returns the principal of an administrator, or of an API key with the scope `admin`. Never open to everybody. */
    readonly authorizeAdministrator: (
      kind: RateLimitKind,
      credentials: Authentication.Credentials
    ) => Effect.Effect<Principal, Rejection.Rejection>
    /**
     * Returns the user of a request: the one of its access token, or the one for whom an API key acts, named by
     * `onBehalfOf`.
     */
    readonly authorizeUser: (
      kind: RateLimitKind,
      credentials: Authentication.Credentials,
      onBehalfOf: string | undefined
    ) => Effect.Effect<CurrentUser["Service"], Rejection.Rejection>
    /**
     * Counts a request to a public endpoint, rejects an invalid key, and returns the rate-limit identity. Waits only
     * briefly for the database; if it is unavailable, the address is the identity. `onSession` receives the session of a
     * user, whose connection ends with it.
     */
    readonly authorizePublic: (
      kind: RateLimitKind,
      credentials: Authentication.Credentials,
      onSession?: (session: SessionId) => void
    ) => Effect.Effect<string, Rejection.Rejection<Problem.Unauthorized | Problem.RateLimited>>
    /**
     * Returns the rate-limit identity of a request synchronously, for the fast path. Returns undefined, and counts nothing,
     * if its key is invalid or has to be looked up. `now` is in epoch milliseconds.
     */
    readonly identifySync: (
      credentials: Pick<Authentication.Credentials, "address" | "authorization">,
      now: number
    ) => string | undefined
    /**
     * Authorizes several concurrent requests of one client. Returns undefined, and counts nothing, if their key is invalid
     * or has to be looked up: authorize these one by one.
     */
    readonly authorizeBatch: (
      scope: Scope,
      kind: RateLimitKind,
      credentials: Pick<Authentication.Credentials, "address" | "authorization">,
      requests: number
    ) => Effect.Effect<ReadonlyArray<Authorization> | undefined>
    /** Counts a read without a key synchronously, because every lookup goes through it. */
    readonly consumeAnonymousRead: (credentials: Authentication.Credentials) => RateLimitExceeded | undefined
    /** Counts a message on an open connection as a read of the identity that opened it. */
    readonly consumeMessage: (identity: string, cost?: number) => Effect.Effect<void, Problem.RateLimited>
  }
>()("effex/server/middleware/access/AccessControl") {
  static readonly layer = Layer.effect(
    AccessControl,
    Effect.gen(function* () {
      const users = yield* UserAccess
      const rateLimits = yield* RateLimits
      const { authenticate, authenticateSync, consume } = yield* Authentication.make
      const clock = yield* Clock.Clock
      const checkScope = yield* ScopePolicy.make

      const consumeAnonymousRead: AccessControl["Service"]["consumeAnonymousRead"] = ({
        address,
        cost,
        reportRateLimit
      }) => {
        const outcome = rateLimits.consumeSync("reads", address, clock.currentTimeMillisUnsafe(), cost)
        if (outcome instanceof RateLimitExceeded) return outcome
        if (outcome !== undefined) reportRateLimit(outcome)
        return undefined
      }

      const authenticateAndConsume = (kind: RateLimitKind, credentials: Authentication.Credentials) =>
        authenticate(credentials).pipe(
          Effect.flatMap((principal) =>
            Effect.as(consume(kind, principal?.id ?? credentials.address, credentials), principal)
          ),
          Effect.catchTags({
            InvalidKey: (error) => Effect.fail(Rejection.invalidKey(error)),
            SessionEnded: (error) => Effect.fail(Rejection.sessionEnded(error)),
            RateLimitExceeded: (error) => Effect.fail(Rejection.rateLimited(error)),
            StoreUnavailable: () => Effect.fail(Rejection.keyNotVerifiable)
          })
        )

      const checkSession = (principal: UserPrincipal) =>
        users.checkSession(principal).pipe(
          Effect.catchTags({
            SessionEnded: (error) => Effect.fail(Rejection.sessionEnded(error)),
            StoreUnavailable: () => Effect.fail(Rejection.keyNotVerifiable)
          })
        )

      const authorize: AccessControl["Service"]["authorize"] = (scope, kind, credentials) =>
        Effect.flatMap(authenticateAndConsume(kind, credentials), (principal) => {
          const permitted = Effect.fromResult(checkScope(scope, principal, credentials.address))
          return principal === undefined || principal.kind === "key"
            ? permitted
            : Effect.andThen(checkSession(principal), permitted)
        })

      const authorizeAdministrator: AccessControl["Service"]["authorizeAdministrator"] = Effect.fnUntraced(
        function* (kind, credentials) {
          const principal = yield* authenticateAndConsume(kind, credentials)
          if (principal === undefined) return yield* Effect.fail(Rejection.missingAdministrator)
          if (principal.kind !== "key") yield* checkSession(principal)
          if (!principal.scopes.includes("admin"))
            return yield* Effect.fail(Rejection.insufficientScope("admin"))
          return principal
        }
      )

      const authorizeUser: AccessControl["Service"]["authorizeUser"] = Effect.fnUntraced(
        function* (kind, credentials, onBehalfOf) {
          const principal = yield* authenticateAndConsume(kind, credentials)
          if (principal === undefined) return yield* Effect.fail(Rejection.missingToken)
          if (principal.kind === "key")
            return yield* Effect.catchTag(users.actFor(principal, onBehalfOf), "StoreUnavailable", () =>
              Effect.fail(Rejection.keyNotVerifiable)
            )
          if (onBehalfOf !== undefined && onBehalfOf !== principal.userId)
            return yield* Effect.fail(ONLY_KEYS_ACT)
          yield* checkSession(principal)
          const { id, sessionId, userId, username } = principal
          const role = principal.kind === "administrator" ? ("admin" as const) : ("user" as const)
          return { userId, username, role, sessionId, principal: id, owner: id }
        }
      )

      const identifySync: AccessControl["Service"]["identifySync"] = ({ address, authorization }, now) => {
        const principal = authenticateSync(authorization, now)
        if (principal === undefined) return undefined
        return Option.isSome(principal) ? principal.value.id : address
      }

      const authorizeBatch: AccessControl["Service"]["authorizeBatch"] = (
        scope,
        kind,
        { address, authorization },
        requests
      ) => {
        const authenticated = authenticateSync(authorization, clock.currentTimeMillisUnsafe())
        if (authenticated === undefined) return Effect.undefined
        const sender = Option.getOrUndefined(authenticated)
        // May have to ask the database.
        if (sender !== undefined && sender.kind !== "key") return Effect.undefined
        const principal = checkScope(scope, sender, address)
        return Effect.map(rateLimits.consumeBatch(kind, sender?.id ?? address, requests), (results) =>
          results.map((result): Authorization =>
            Result.isFailure(result)
              ? { principal: Result.fail(Rejection.rateLimited(result.failure)), rateLimit: undefined }
              : { principal, rateLimit: Option.getOrUndefined(result.success) }
          )
        )
      }

      const authorizePublic: AccessControl["Service"]["authorizePublic"] = (kind, credentials, onSession) => {
        const principal =
          credentials.authorization === undefined
            ? Effect.undefined
            : authenticate(credentials).pipe(
                Effect.timeoutOption(REFRESH_TIMEOUT),
                Effect.map(Option.getOrUndefined),
                Effect.catchTag("StoreUnavailable", () => Effect.undefined)
              )
        return Effect.flatMap(principal, (sender) => {
          const identity = sender?.id ?? credentials.address
          if (sender !== undefined && sender.kind !== "key") onSession?.(sender.sessionId)
          return Effect.as(consume(kind, identity, credentials), identity)
        }).pipe(
          Effect.catchTags({
            InvalidKey: (error) => Effect.fail(Rejection.invalidKey(error)),
            SessionEnded: ({ message }) => Effect.fail(Rejection.invalidKey({ detail: message })),
            RateLimitExceeded: (error) => Effect.fail(Rejection.rateLimited(error))
          })
        )
      }

      const consumeMessage: AccessControl["Service"]["consumeMessage"] = (identity, cost) =>
        Effect.mapError(
          Effect.asVoid(rateLimits.consume("reads", identity, cost)),
          RateLimitHeaders.toProblem
        )

      return AccessControl.of({
        authorize,
        authorizeAdministrator,
        authorizeBatch,
        authorizeUser,
        authorizePublic,
        identifySync,
        consumeAnonymousRead,
        consumeMessage
      })
    })
  ).pipe(Layer.provide(UserAccess.layer))
}

const ONLY_KEYS_ACT = Rejection.forbidden("Only an API key may send `Effex-On-Behalf-Of`")
