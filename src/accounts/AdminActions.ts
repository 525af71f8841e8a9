import { Context, DateTime, Effect, Layer, Schema } from "effect"
import { SecureRandom } from "effect/crypto"
import type { SqlError } from "effect/sql"
import { Database } from "../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"

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

/** An action as it was recorded. */
export const RecordedAction = Schema.Struct({
  id: Schema.String,
  at: Schema.DateTimeUtcFromDate,
  principal: Schema.String,
  action: Schema.String,
  subject: Schema.String,
  reason: Schema.NullOr(Schema.String),
  details: Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown))
})
export type RecordedAction = typeof RecordedAction.Type
const decode = Schema.decodeUnknownEffect(Schema.Array(RecordedAction))

/** The immutable log of what administrators did. */
export class AdminActions extends Context.Service<
  AdminActions,
  {
    /** Records an action. Run it inside the transaction of the action, so that one never exists without the other. */
    readonly record: (action: AdminAction) => Effect.Effect<void, SqlError.SqlError>
    /** Returns actions, newest first. */
    readonly list: (page: {
      /** Only actions on this subject. */
      readonly subject: string | undefined
      /** Id of the last action of the previous page. */
      readonly before: string | undefined
      readonly limit: number
    }) => Effect.Effect<ReadonlyArray<RecordedAction>, StoreUnavailable>
  }
>()("effex/accounts/AdminActions") {
  static readonly layer = Layer.effect(
    AdminActions,
    Effect.gen(function* () {
      const { read, sql } = yield* Database
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

      const list: AdminActions["Service"]["list"] = Effect.fn("AdminActions.list")(function* ({
        before,
        limit,
        subject
      }) {
        const bySubject = subject === undefined ? sql.literal("TRUE") : sql`subject = ${subject}`
        const older = before === undefined ? sql.literal("TRUE") : sql`id < ${before}`
        // Details as text, because the client changes the names of fields in JSON.
        const rows = yield* read(sql`
            SELECT id, at, principal, action, subject, reason, details::text AS details FROM admin_action
            WHERE ${bySubject} AND ${older} ORDER BY id DESC LIMIT ${limit}`)
        return yield* Effect.orDie(decode(rows))
      })

      return AdminActions.of({ record, list })
    })
  )
}
