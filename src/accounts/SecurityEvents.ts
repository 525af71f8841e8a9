import { Context, DateTime, Effect, Layer, Schema } from "effect"
import type { Scope } from "effect"
import type { SqlError } from "effect/sql"
import type { NewSecurityEvent, SecurityEvent } from "../domain/accounts/SecurityEvent.ts"
import { SessionId } from "../domain/accounts/Session.ts"
import type { UserId } from "../domain/accounts/User.ts"
import { Database } from "../platform/postgres/Database.ts"
import * as PgArray from "../platform/postgres/PgArray.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"

const Row = Schema.Struct({
  number: Schema.BigInt,
  at: Schema.DateTimeUtcFromDate,
  event: Schema.String,
  session: Schema.NullOr(SessionId)
})
const decode = Schema.decodeUnknownEffect(Schema.Array(Row))

/** The immutable log of what happened to the accounts of users. It contains no secrets and no addresses. */
export class SecurityEvents extends Context.Service<
  SecurityEvents,
  {
    /** Records events of a user inside the transaction that makes the change, so that one never exists without the other. */
    readonly record: (
      user: UserId,
      ...events: ReadonlyArray<NewSecurityEvent>
    ) => Effect.Effect<void, SqlError.SqlError>
    /** Calls the listeners with the user of an event that a SQL function recorded, after the commit. */
    readonly announce: (user: UserId) => Effect.Effect<void>
    /** Returns at most `limit` events of a user before a number, newest first. */
    readonly page: (
      user: UserId,
      before: bigint | undefined,
      limit: number
    ) => Effect.Effect<ReadonlyArray<SecurityEvent>, StoreUnavailable>
    /** Returns at most `limit` events of a user after a number, oldest first. */
    readonly after: (
      user: UserId,
      number: bigint,
      limit: number
    ) => Effect.Effect<ReadonlyArray<SecurityEvent>, StoreUnavailable>
    /** Calls a listener with the user of each event that this process recorded, after the commit. */
    readonly listen: (listener: (user: UserId) => void) => Effect.Effect<void, never, Scope.Scope>
  }
>()("effex/accounts/SecurityEvents") {
  static readonly layer = Layer.effect(
    SecurityEvents,
    Effect.gen(function* () {
      const { execute, read, sql } = yield* Database
      const listeners = new Set<(user: UserId) => void>()

      const announce = (user: UserId) =>
        sql.afterCommit(
          Effect.sync(() => {
            for (const listener of listeners) listener(user)
          })
        )

      const record = Effect.fn("SecurityEvents.record")(function* (
        user: UserId,
        ...events: ReadonlyArray<NewSecurityEvent>
      ) {
        if (events.length === 0) return
        const at = DateTime.toDateUtc(yield* DateTime.now)
        const kinds = PgArray.of(events.map(({ event }) => event))
        const sessions = PgArray.of(events.map(({ session }) => session ?? null))
        yield* sql`
          INSERT INTO security_event (user_id, at, event, session)
          SELECT ${user}::uuid, ${at}::timestamptz, event, session
          FROM unnest(${kinds}::text[], ${sessions}::uuid[]) WITH ORDINALITY AS item (event, session, position)
          ORDER BY position`
        yield* announce(user)
      })

      const page = Effect.fn("SecurityEvents.page")(function* (
        user: UserId,
        before: bigint | undefined,
        limit: number
      ) {
        const earlier = before === undefined ? sql`true` : sql`number < ${before.toString()}::bigint`
        const rows = yield* read(sql`
          SELECT number, at, event, session FROM security_event WHERE user_id = ${user} AND ${earlier}
          ORDER BY number DESC LIMIT ${limit}`)
        return yield* Effect.orDie(decode(rows))
      })

      const after = Effect.fn("SecurityEvents.after")(function* (
        user: UserId,
        number: bigint,
        limit: number
      ) {
        const rows = yield* execute(sql`
          SELECT number, at, event, session FROM security_event
          WHERE user_id = ${user} AND number > ${number.toString()}::bigint ORDER BY number LIMIT ${limit}`)
        return yield* Effect.orDie(decode(rows))
      })

      const listen: SecurityEvents["Service"]["listen"] = (listener) =>
        Effect.asVoid(
          Effect.acquireRelease(
            Effect.sync(() => listeners.add(listener)),
            () => Effect.sync(() => listeners.delete(listener))
          )
        )

      return SecurityEvents.of({ record, announce, page, after, listen })
    })
  )
}
