import { Context, Effect, Layer } from "effect"
import type { SqlError } from "effect/sql"
import type { UserId } from "../domain/accounts/User.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"

/** Sets up what belongs to a new user, inside the transaction that registers the user. */
export class NewUserSetup extends Context.Service<
  NewUserSetup,
  {
    /** Runs in the open transaction. A failure rolls the registration back. */
    readonly run: (user: UserId) => Effect.Effect<void, SqlError.SqlError | StoreUnavailable>
  }
>()("effex/accounts/NewUserSetup") {
  static readonly layerNone = Layer.succeed(NewUserSetup, { run: () => Effect.void })
}
