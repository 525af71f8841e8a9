import { Context, DateTime, Duration, Effect, Layer, Schedule } from "effect"
import { Database } from "../../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"

/** Time for which an expired session stays in the database, for questions about past sign-ins. */
const RETENTION = Duration.days(7)
const INTERVAL = Duration.hours(1)
const BATCH_SIZE = 500
const PAUSE = Duration.millis(100)

/**
 * Deletes sessions that expired a week ago, with their refresh tokens. Ended sessions expire at the same time as if they had
 * not been ended.
 */
export class SessionCleanup extends Context.Service<
  SessionCleanup,
  {
    /** Deletes at most 500 sessions that are due. Returns their number. */
    readonly deleteBatch: Effect.Effect<number, StoreUnavailable>
  }
>()("effex/accounts/sessions/SessionCleanup") {
  static readonly layer = Layer.effect(
    SessionCleanup,
    Effect.gen(function* () {
      const { execute, sql } = yield* Database
      const deleteBatch = Effect.gen(function* () {
        const before = DateTime.toDateUtc(DateTime.subtractDuration(yield* DateTime.now, RETENTION))
        // Other nodes delete too: each takes the rows that no other holds.
        const rows = yield* execute(sql`
          DELETE FROM session WHERE id IN (
            SELECT id FROM session WHERE expires_at < ${before}
            ORDER BY expires_at LIMIT ${BATCH_SIZE} FOR UPDATE SKIP LOCKED
          ) RETURNING id`)
        return rows.length
      })
      return SessionCleanup.of({ deleteBatch })
    })
  )

  /** Runs every hour. A failed run is repeated by the next one. */
  static readonly layerBackground = Layer.effectDiscard(
    Effect.gen(function* () {
      const { deleteBatch } = yield* SessionCleanup
      yield* deleteBatch.pipe(
        Effect.repeat({ while: (deleted) => deleted === BATCH_SIZE, schedule: Schedule.spaced(PAUSE) }),
        Effect.catchCause((cause) => Effect.logWarning("Expired sessions could not be deleted", cause)),
        Effect.repeat(Schedule.spaced(INTERVAL)),
        Effect.delay(INTERVAL),
        Effect.forkScoped
      )
    })
  ).pipe(Layer.provide(SessionCleanup.layer))
}
