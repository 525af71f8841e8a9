import { Duration, Effect, Option, Scope } from "effect"
import type { SqlClient, Statement } from "effect/sql"
import * as DatabaseMetrics from "../metrics/DatabaseMetrics.ts"
import { trackInFlight } from "../metrics/MetricSeries.ts"
import type { SqlExecutor } from "./SqlExecutor.ts"
import type { StoreUnavailable } from "./StoreUnavailable.ts"

/** Timings that decide how soon the lock of a stopped process is released. */
export interface LockTimings {
  /** Idle time after which the server closes the session of a process, and with it releases its locks. */
  readonly sessionTimeout: Duration.Duration
  /** Interval of the statements that keep the session alive. */
  readonly heartbeatInterval: Duration.Duration
}

const DEFAULT_TIMINGS: LockTimings = {
  sessionTimeout: Duration.seconds(10),
  heartbeatInterval: Duration.seconds(3)
}

/** SQL that sets `idle_session_timeout`, and does nothing on servers before PostgreSQL 14, which lack the setting. */
const setIdleTimeout = (value: string) =>
  `(SELECT set_config(name, ${value}, false) FROM pg_settings WHERE name = 'idle_session_timeout')`

/** Runs an effect while holding the named lock; returns none when another process holds it. */
export type WithLock = <A, E, R>(
  name: string,
  effect: Effect.Effect<A, E, R>
) => Effect.Effect<Option.Option<A>, E | StoreUnavailable, R>

/**
 * Makes {@link WithLock} on PostgreSQL advisory locks. Each lock reserves a connection of the pool, sends heartbeats over
 * it, and is released with it.
 */
export const make =
  (
    { execute, sql }: Pick<SqlExecutor, "execute" | "sql">,
    { heartbeatInterval, sessionTimeout }: LockTimings = DEFAULT_TIMINGS
  ): WithLock =>
  (name, effect) =>
    Effect.scoped(
      Effect.gen(function* () {
        const scope = yield* Effect.scope
        const connection = yield* execute(Scope.provide(sql.reserve, scope))
        const query = (text: string, ...params: ReadonlyArray<unknown>) =>
          execute(connection.executeValues(text, params))
        yield* Effect.addFinalizer(() =>
          Effect.ignore(query(`SELECT pg_advisory_unlock_all(), ${setIdleTimeout("reset_val")}`))
        )
        const [row] = yield* query(
          `SELECT pg_try_advisory_lock(hashtext('effex'), hashtext($1)), ${setIdleTimeout(`'${Duration.toMillis(sessionTimeout)}'`)}`,
          name
        )
        if (row?.[0] !== true) return Option.none()
        const heartbeats = query("SELECT 1").pipe(Effect.delay(heartbeatInterval), Effect.forever)
        return Option.some(yield* Effect.raceFirst(effect, heartbeats))
      })
    ).pipe(trackInFlight(DatabaseMetrics.reservedConnections))

/** SQL condition that is true while any process holds the named lock. */
export const isLocked = (sql: SqlClient.SqlClient, name: string): Statement.Fragment => sql`EXISTS (
  SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = database AND datname = current_database()
  WHERE locktype = 'advisory' AND granted AND objsubid = 2
    AND classid = hashtext('effex')::oid AND objid = hashtext(${name}::text)::oid
)`
