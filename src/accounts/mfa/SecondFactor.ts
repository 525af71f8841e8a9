import { Context, Effect, Layer } from "effect"
import type { SqlError } from "effect/sql"
import type { UserId } from "../../domain/accounts/User.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"

/** The second factor of a sign-in. `SignIn` uses it; `Mfa` implements it. */
export class SecondFactor extends Context.Service<
  SecondFactor,
  {
    /**
     * Uses up a code of the authenticator app or a recovery code; false if it is wrong or was used. Runs inside the
     * transaction that creates the session, so that a code that is used has a session and the other way round. Never
     * fails for a malformed code.
     */
    readonly verify: (
      user: UserId,
      code: string
    ) => Effect.Effect<boolean, SqlError.SqlError | StoreUnavailable>
  }
>()("effex/accounts/mfa/SecondFactor") {
  /** No user has a second factor. */
  static readonly layerNone = Layer.succeed(SecondFactor, {
    verify: () => Effect.succeed(false)
  })
}
