import { Context, DateTime, Effect, Layer } from "effect"
import { SecureRandom } from "effect/crypto"
import type { SqlError } from "effect/sql"
import { Database } from "../platform/postgres/Database.ts"

/** One action of an administrator. */
export interface AdminAction {
  /** Who: the id of an API key, `user:<id>` or `cli:<name>`. */
  readonly principal: string
  /** What: lower-case words such as `user.lock`. */
  readonly action: string
  /** On what: an id, such as that of a user. */
  readonly subject: string
  readonly reason?: string | undefined
  /** Never contains secrets. */
  readonly details?: Readonly<Record<string, unknown>>
}

/** The immutable log of what administrators did. */
export class AdminActions extends Context.Service<
  AdminActions,
  {
    /** Records an action. Run it inside the transaction of the action, so that one never exists without the other. */
    readonly record: (action: AdminAction) => Effect.Effect<void, SqlError.SqlError>
  }
>()("effex/accounts/AdminActions") {
  static readonly layer = Layer.effect(
    AdminActions,
    Effect.gen(function* () {
      const { sql } = yield* Database
      const random = yield* SecureRandom.SecureRandom

      const record = Effect.fn("AdminActions.record")(function* (action: AdminAction) {
        const { details = {}, principal, reason, subject } = action
        const at = DateTime.toDateUtc(yield* DateTime.now)
        yield* sql`
          INSERT INTO admin_action (id, at, principal, action, subject, reason, details)
          VALUES (
            ${yield* random.uuidV7()}, ${at}, ${principal}, ${action.action}, ${subject}, ${reason ?? null},
            ${JSON.stringify(details)}::jsonb
          )`
      })

      return AdminActions.of({ record })
    })
  )
}
