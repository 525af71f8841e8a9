import { Context, Effect, Layer } from "effect"
import { ApiKeys } from "../../access/ApiKeys.ts"
import { Sessions } from "../../accounts/sessions/Sessions.ts"
import type { CurrentUser } from "../../api/access/CurrentUser.ts"
import { UserAccess } from "./UserAccess.ts"

/** Intervals at which streams check the API key, and whether the session has expired. */
const KEY_CHECK_INTERVAL = "5 seconds"
const SESSION_CHECK_INTERVAL = "1 minute"

/** Ends the streams of users that were authorized when they started, and would not be now. */
export class StreamAccess extends Context.Service<
  StreamAccess,
  {
    /**
     * Waits until a user may no longer read the own events: the session has expired, the API key that acts for the user was
     * revoked or has expired, or the user was locked. `StreamConnections` is faster when a session is ended.
     */
    readonly awaitEnd: (
      user: CurrentUser["Service"],
      authorization: string | undefined
    ) => Effect.Effect<void>
  }
>()("effex/server/middleware/StreamAccess") {
  static readonly layer = Layer.effect(
    StreamAccess,
    Effect.gen(function* () {
      const keys = yield* ApiKeys
      const sessions = yield* Sessions
      const users = yield* UserAccess

      const hasSession = ({ sessionId, userId }: CurrentUser["Service"]) =>
        Effect.map(sessions.list(userId), (open) => open.some(({ id }) => id === sessionId))

      const hasKey = ({ userId }: CurrentUser["Service"], authorization = "") =>
        keys.authenticate(authorization.replace(/^bearer +/i, ""), Effect.void).pipe(
          Effect.flatMap((key) => users.actFor(key, userId)),
          Effect.as(true)
        )

      return StreamAccess.of({
        awaitEnd: (user, authorization) => {
          const isOfKey = user.sessionId === undefined
          return (isOfKey ? hasKey(user, authorization) : hasSession(user)).pipe(
            // Without the database, the stream has no events either.
            Effect.catchTag("StoreUnavailable", () => Effect.succeed(true)),
            Effect.orElseSucceed(() => false),
            Effect.delay(isOfKey ? KEY_CHECK_INTERVAL : SESSION_CHECK_INTERVAL),
            Effect.repeat({ while: (allowed) => allowed }),
            Effect.asVoid
          )
        }
      })
    })
  ).pipe(Layer.provide(UserAccess.layer))
}
