import { Context, Effect, Layer, Option, Schema } from "effect"
import { AccessTokens } from "../../../accounts/tokens/AccessTokens.ts"
import { EndedSessions } from "../../../accounts/sessions/EndedSessions.ts"
import { Users } from "../../../accounts/Users.ts"
import type { CurrentUser } from "../../../api/access/CurrentUser.ts"
import type { AccessClaims, InvalidAccessToken } from "../../../domain/accounts/AccessClaims.ts"
import { SessionEnded } from "../../../domain/accounts/Session.ts"
import { UserId } from "../../../domain/accounts/User.ts"
import {
  actingOwnerOf,
  type KeyPrincipal,
  ofUser,
  type UserPrincipal
} from "../../../domain/access/Principal.ts"
import type { StoreUnavailable } from "../../../platform/postgres/StoreUnavailable.ts"
import * as Rejection from "../Rejection.ts"

/** Header with the id of the user for whom an API key acts. */
export const ON_BEHALF_OF = "effex-on-behalf-of"

/** Authenticates users by access tokens, and API keys that act for them. */
export class UserAccess extends Context.Service<
  UserAccess,
  {
    /** Returns the principal of an access token whose session has not ended, as far as this node knows. */
    readonly authenticate: (token: string) => Effect.Effect<UserPrincipal, InvalidAccessToken | SessionEnded>
    /** Authenticates synchronously, for the fast path. Undefined: {@link authenticate} decides. */
    readonly authenticateSync: (token: string, nowMillis: number) => UserPrincipal | undefined
    /**
     * Makes sure that the session of a user has not ended, also if this node could not read PostgreSQL for a while. Does
     * nothing for other principals.
     */
    readonly checkSession: (principal: UserPrincipal) => Effect.Effect<void, SessionEnded | StoreUnavailable>
    /** Returns the user for whom an API key acts. */
    readonly actFor: (
      key: KeyPrincipal,
      userId: string | undefined
    ) => Effect.Effect<CurrentUser["Service"], Rejection.Rejection | StoreUnavailable>
  }
>()("effex/server/middleware/access/UserAccess") {
  static readonly layer = Layer.effect(
    UserAccess,
    Effect.gen(function* () {
      const tokens = yield* AccessTokens
      const ended = yield* EndedSessions
      const users = yield* Users

      const checkEnded = (principal: UserPrincipal) =>
        Effect.suspend(() => {
          const reason = ended.reasonOf(principal.sessionId)
          return reason === undefined ? Effect.succeed(principal) : Effect.fail(new SessionEnded({ reason }))
        })

      const authenticate: UserAccess["Service"]["authenticate"] = (token) =>
        Effect.flatMap(tokens.verify(token), (claims) => checkEnded(principalOf(claims)))

      const authenticateSync: UserAccess["Service"]["authenticateSync"] = (token, nowMillis) => {
        const claims = tokens.verifySync(token, nowMillis)
        return claims === undefined || ended.reasonOf(claims.sid) !== undefined
          ? undefined
          : principalOf(claims)
      }

      const checkSession: UserAccess["Service"]["checkSession"] = (principal) =>
        Effect.suspend(() =>
          ended.isCurrent() ? Effect.void : Effect.andThen(ended.refresh, checkEnded(principal))
        )

      const actFor: UserAccess["Service"]["actFor"] = Effect.fnUntraced(function* (key, text) {
        if (!key.scopes.includes("wallets")) return yield* Effect.fail(Rejection.insufficientScope("wallets"))
        if (text === undefined) return yield* Effect.fail(MISSING_USER)
        const userId = decodeUserId(text)
        const user = Option.isSome(userId) ? yield* users.byId(userId.value) : Option.none()
        if (Option.isNone(user) || Option.isSome(user.value.lockedAt)) return yield* Effect.fail(UNKNOWN_USER)
        const { id, role, username } = user.value
        const owner = actingOwnerOf(key, id)
        return { userId: id, username, role, sessionId: undefined, principal: key.id, owner }
      })

      return UserAccess.of({ authenticate, authenticateSync, checkSession, actFor })
    })
  )
}

const principalOf = ({ role, sid, sub, username }: AccessClaims) =>
  ofUser({ userId: sub, username, sessionId: sid, role })

const decodeUserId = Schema.decodeUnknownOption(UserId)

const MISSING_USER = Rejection.forbidden(
  "An API key acts for a user here: send the id of the user in the header `Effex-On-Behalf-Of`"
)
const UNKNOWN_USER = Rejection.forbidden(
  "`Effex-On-Behalf-Of` must be the id of a user who exists and is not locked"
)
