import { Context, Effect, Layer } from "effect"
import type { Duration } from "effect"
import { ApiKeys } from "../../../access/ApiKeys.ts"
import { Sessions } from "../../../accounts/sessions/Sessions.ts"
import type { CurrentUser } from "../../../api/access/CurrentUser.ts"
import { Unauthorized } from "../../../api/Problem.ts"
import { StoreUnavailable } from "../../../platform/postgres/StoreUnavailable.ts"
import { UserAccess } from "./UserAccess.ts"

/** Intervals at which streams check the API key, and whether the session has expired. */
const KEY_CHECK_INTERVAL = "5 seconds"
const SESSION_CHECK_INTERVAL = "1 minute"

/** Problem of a stream whose user may no longer read it. */
export const ACCESS_ENDED = new Unauthorized({
  detail: "The session or the API key has expired, the key was revoked, or the user was locked"
})

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
>()("effex/server/middleware/access/StreamAccess") {
  static readonly layer = Layer.effect(
    StreamAccess,
    Effect.gen(function* () {
      const keys = yield* ApiKeys
      const sessions = yield* Sessions
      const users = yield* UserAccess

      const hasKey = ({ userId }: CurrentUser["Service"], authorization = "") =>
        keys.authenticate(authorization.replace(/^bearer +/i, ""), Effect.void).pipe(
          Effect.flatMap((key) => users.actFor(key, userId)),
          Effect.as(true)
        )

      return StreamAccess.of({
        awaitEnd: (user, authorization) => {
          const { sessionId, userId } = user
          return sessionId === undefined
            ? awaitFalse(hasKey(user, authorization), KEY_CHECK_INTERVAL)
            : awaitFalse(sessions.isOpen(userId, sessionId), SESSION_CHECK_INTERVAL)
        }
      })
    })
  ).pipe(Layer.provide(UserAccess.layer))
}

/** Repeats a check until it fails or returns false. */
const awaitFalse = <E>(check: Effect.Effect<boolean, E | StoreUnavailable>, interval: Duration.Input) =>
  check.pipe(
    // Without the database, the stream has no events either.
    Effect.catchIf(
      (error) => error instanceof StoreUnavailable,
      () => Effect.succeed(true)
    ),
    Effect.orElseSucceed(() => false),
    Effect.delay(interval),
    Effect.repeat({ while: (allowed) => allowed }),
    Effect.asVoid
  )
