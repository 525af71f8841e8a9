import * as NodeServices from "@effect/platform-node/NodeServices"
import { PgClient } from "@effect/sql-pg"
import {
  Array,
  Context,
  Duration,
  Effect,
  Fiber,
  Layer,
  Metric,
  Option,
  Path,
  Schedule,
  Schema,
  Scope,
  String,
  Predicate
} from "effect"
import { Migrator, SqlClient, SqlError, type Statement } from "effect/sql"
import * as MigratorFileSystem from "effect/sql/MigratorFileSystem"
import { Settings } from "../../config/Settings.ts"
import { EmbeddedPostgres } from "./EmbeddedPostgres.ts"
import * as Metrics from "../telemetry/Metrics.ts"
import { timed, underWay } from "../telemetry/MetricSeries.ts"
import { releasedWithin } from "../ReleaseTimeout.ts"

/** The database did not answer in time, or could not be reached: nothing was changed as far as is known. */
export class StoreUnavailable extends Schema.TaggedError<StoreUnavailable>()("StoreUnavailable", {
  cause: Schema.Defect()
}) {
  override get message(): string {
    return "The database does not answer"
  }
}

/** How long a call to the database may take, before its caller is told that the store is unavailable. */
export const DEADLINE = Duration.seconds(3)

/** How long one statement of a long transaction may take. */
const LONG_STATEMENT_MILLIS = 120_000

/** After how long without a heartbeat the server takes a lock from a process that is stopped, with its session. */
const EXCLUSIVE_IDLE_MILLIS = 10_000
const EXCLUSIVE_HEARTBEAT = Duration.seconds(3)

/** Sets when the server ends an idle session, in SQL; servers before PostgreSQL 14 never do. */
const idle = (value: string) =>
  `(SELECT set_config(name, ${value}, false) FROM pg_settings WHERE name = 'idle_session_timeout')`

/** PostgreSQL, with a deadline on every call. */
export class Database extends Context.Service<
  Database,
  {
    /** For writing statements; they are run by {@link within}. */
    readonly sql: SqlClient.SqlClient
    /**
     * Runs statements under the deadline. Fails with `StoreUnavailable` where the database cannot be reached or does
     * not answer; a statement that the database refuses is a defect.
     */
    readonly within: <A, R>(
      statements: Effect.Effect<A, SqlError.SqlError, R>
    ) => Effect.Effect<A, StoreUnavailable, R>
    /** As {@link within}, for a caller that chooses what to do about a statement that the database refuses. */
    readonly attempt: <A, R>(
      statements: Effect.Effect<A, SqlError.SqlError, R>
    ) => Effect.Effect<A, StoreUnavailable | SqlError.SqlError, R>
    /**
     * Runs an effect, and its statements in one transaction that may take minutes: the deadline is each statement's
     * own, two minutes. Fails as {@link within} does; nothing was changed then, nor where the effect fails.
     */
    readonly transaction: <A, E, R>(
      work: Effect.Effect<A, E, R>
    ) => Effect.Effect<A, StoreUnavailable | Exclude<E, SqlError.SqlError>, R>
    /**
     * Runs an effect that at most one process runs at a time, by its name. None where another one runs it. The lock
     * goes with its connection, so that nothing is held by a process that died, and not for long by one that is
     * stopped. Where the lock is lost, the effect is interrupted, and fails with `StoreUnavailable`.
     */
    readonly exclusively: <A, E, R>(
      name: string,
      effect: Effect.Effect<A, E, R>
    ) => Effect.Effect<Option.Option<A>, E | StoreUnavailable, R>
  }
>()("effex/platform/postgres/Database") {
  /** The database of the settings, migrated. */
  static readonly layer = Layer.effect(
    Database,
    Effect.suspend(() => make)
  ).pipe(Layer.provideMerge(Layer.unwrap(Effect.suspend(() => client))), Layer.provide(NodeServices.layer))

  /** As {@link layer}, with the schema as it stands, whatever it is. */
  static readonly layerUnmigrated = Layer.suspend(() => Database.layerNoDeps).pipe(
    Layer.provideMerge(Layer.unwrap(Effect.suspend(() => client))),
    Layer.provide(NodeServices.layer)
  )

  /** As {@link layer}, over a client that is there already and a schema that is left as it is. */
  static readonly layerNoDeps = Layer.effect(Database, Effect.map(SqlClient.SqlClient, fromClient))
}

function fromClient(sql: SqlClient.SqlClient): Database["Service"] {
  const attempt: Database["Service"]["attempt"] = (statements) =>
    withDeadline(
      statements.pipe(
        Effect.retry({ while: isRolledBack, times: 3 }),
        Effect.catchIf(isAvailability, unavailable),
        Effect.catchDefect(lostInTransaction)
      )
    ).pipe(
      Effect.tapErrorTag("SqlError", () => countError("refused")),
      timed(Metrics.databaseDuration),
      underWay(Metrics.databaseUnderWay)
    )
  const within: Database["Service"]["within"] = (statements) =>
    Effect.catchTag(attempt(statements), "SqlError", Effect.die)

  const transaction = <A, E, R>(work: Effect.Effect<A, E, R>) =>
    Effect.andThen(
      sql`SELECT set_config('statement_timeout', ${LONG_STATEMENT_MILLIS.toFixed(0)}, true)`,
      work
    ).pipe(
      sql.withTransaction,
      Effect.catchIf(SqlError.isSqlError, (error) =>
        isAvailability(error) ? unavailable(error) : Effect.die(error)
      ),
      Effect.catchDefect(lostInTransaction),
      underWay(Metrics.databaseReserved)
    )

  const exclusively: Database["Service"]["exclusively"] = (name, effect) =>
    Effect.scoped(
      Effect.gen(function* () {
        const scope = yield* Effect.scope
        const connection = yield* within(Scope.provide(sql.reserve, scope))
        const ask = (query: string, ...params: ReadonlyArray<unknown>) =>
          within(connection.executeValues(query, params))
        yield* Effect.addFinalizer(() =>
          Effect.ignore(ask(`SELECT pg_advisory_unlock_all(), ${idle("reset_val")}`))
        )
        const [row] = yield* ask(
          `SELECT pg_try_advisory_lock(hashtext('effex'), hashtext($1)), ${idle(`'${EXCLUSIVE_IDLE_MILLIS}'`)}`,
          name
        )
        if (row?.[0] !== true) return Option.none()
        const hold = ask("SELECT 1").pipe(Effect.delay(EXCLUSIVE_HEARTBEAT), Effect.forever)
        return Option.some(yield* Effect.raceFirst(effect, hold))
      })
    ).pipe(underWay(Metrics.databaseReserved))

  return { sql, within, attempt, transaction, exclusively }
}

/** In SQL, whether a process runs what {@link Database.exclusively} lets one run at a time by that name. */
export const isRunning = (sql: SqlClient.SqlClient, name: string): Statement.Fragment => sql`EXISTS (
  SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = database AND datname = current_database()
  WHERE locktype = 'advisory' AND granted AND objsubid = 2
    AND classid = hashtext('effex')::oid AND objid = hashtext(${name}::text)::oid
)`

const client = Effect.gen(function* () {
  const { databaseUrl } = yield* Settings
  if (Option.isSome(databaseUrl)) return connections({ url: databaseUrl.value })
  return Layer.unwrap(Effect.map(EmbeddedPostgres, connections)).pipe(Layer.provide(EmbeddedPostgres.layer))
})

const MAX_CONNECTIONS = 8

const pool: PgClient.PgPoolConfig = {
  applicationName: "effex",
  transformQueryNames: String.camelToSnake,
  transformResultNames: String.snakeToCamel,
  multiplex: true,
  maxConnections: MAX_CONNECTIONS,
  connectTimeout: DEADLINE,
  keepAlive: Duration.seconds(10)
}

/** A connection in the middle of a transaction, to a database that swallows everything, would be waited for without end. */
const connections = (to: PgClient.PgPoolConfig) =>
  PgClient.layer({ ...pool, ...to }).pipe(releasedWithin(DEADLINE))

const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const applied = yield* migrate.pipe(
    Effect.tapError((error) => Effect.logWarning(`The database is not ready: ${error.message}`)),
    Effect.retry({ schedule: Schedule.exponential("200 millis", 1.5), while: isUnreachable, times: 10 }),
    Effect.catchIf(isUnreachable, unavailable),
    Effect.catchTag("SqlError", Effect.die)
  )
  for (const [id, name] of applied) yield* Effect.logInfo(`Applied migration ${id}_${name}`)
  const database = fromClient(sql)
  yield* Metric.update(Metrics.databasePool, MAX_CONNECTIONS)
  yield* ensurePartitions(database).pipe(
    Effect.catch((error) =>
      Effect.logWarning("The partitions of the coming months could not be looked for", error)
    ),
    Effect.repeat(Schedule.spaced("1 day")),
    Effect.forkScoped
  )
  return database
})

/**
 * Makes the partitions of the coming year, so that they are there before their first row. A new partition locks the
 * whole table, and who writes waits behind whoever waits for that lock: each is made by itself, and given up soon
 * where a long read is in the way. There is most of a year left to try again.
 */
export const ensurePartitions = Effect.fnUntraced(function* ({
  sql,
  within
}: Pick<Database["Service"], "sql" | "within">) {
  const tables = yield* within(sql<{ name: string }>`
    SELECT partrelid::regclass::text AS name FROM pg_partitioned_table`)
  const make = (name: string, month: number) =>
    sql`SET LOCAL lock_timeout = '500ms'`.pipe(
      Effect.andThen(sql`
        SELECT ensure_monthly_partitions(${name}::text::regclass, now() + make_interval(months => ${month}::int), 1)`),
      sql.withTransaction,
      within
    )
  for (const { name } of tables) {
    yield* Effect.forEach(Array.range(0, 11), (month) => make(name, month), { discard: true }).pipe(
      Effect.catch((error) =>
        Effect.logWarning(`A partition of ${name} could not be made; it is tried again tomorrow`, error)
      )
    )
  }
})

/** The table of the migrations that were applied. */
export const MIGRATIONS_TABLE = "effex_migrations"

/** The migrations of this version of effex, in their order: id, name, and how each is loaded. */
export const migrations = Effect.gen(function* () {
  const path = yield* Path.Path
  const folder = yield* path.fromFileUrl(new URL("../../../migrations", import.meta.url))
  return yield* MigratorFileSystem.fromFileSystem(folder)
})

/**
 * Applies what is missing of `migrations/`, in one transaction and behind a lock on the table of migrations, so that
 * several nodes may start at once. Returns what was applied.
 */
const migrate = Migrator.make({})({
  loader: Effect.catchTag(migrations, "BadArgument", Effect.die),
  table: MIGRATIONS_TABLE
})

/** A migration that waits for a table that others use is given up soon, and tried again. */
const isUnreachable = (error: { readonly _tag: string; readonly cause?: unknown }) => {
  const cause = error._tag === "MigrationError" ? error.cause : error
  return SqlError.isSqlError(cause) && isAvailability(cause)
}

/** Whether the error is of the way to the database, or of the state that it is in, and not of the statement. */
const isAvailability = ({ reason }: SqlError.SqlError) => {
  switch (reason._tag) {
    case "SqlSyntaxError":
    case "AuthorizationError":
    case "ConstraintError":
    case "UniqueViolation":
      return false
    case "UnknownError":
      return !isOfStatement(reason.cause)
    default:
      return true
  }
}

/** Classes of SQLSTATE that say what is wrong with a statement or its data: the server is well, and said so. */
const isOfStatement = (cause: unknown) =>
  Predicate.hasProperty(cause, "code") &&
  Predicate.isString(cause.code) &&
  /^(0A|21|22|23|26|2F|34|38|39|3B|3D|3F|42|44|P0)/.test(cause.code)

/** Another transaction was in the way, and nothing of this one was done: it may be done again. */
const isRolledBack = ({ reason }: SqlError.SqlError) =>
  reason._tag === "DeadlockError" || reason._tag === "SerializationError"

/** A transaction that lost its connection cannot be rolled back by its client either, which Effect makes a defect. */
const lostInTransaction = (defect: unknown) =>
  SqlError.isSqlError(defect) && isAvailability(defect) ? unavailable(defect) : Effect.die(defect)

const unavailable = (cause: unknown, kind: "unavailable" | "deadline" = "unavailable") =>
  Effect.andThen(countError(kind), Effect.fail(new StoreUnavailable({ cause })))

const countError = (kind: "unavailable" | "deadline" | "refused") =>
  Metric.update(Metrics.databaseErrors.of({ kind }), 1)

/**
 * The caller is let go at the deadline, and does not wait for the statement to be cancelled, which takes long over a
 * link that swallows everything.
 */
const withDeadline = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const fiber = yield* Effect.forkDetach(restore(effect), { startImmediately: true })
      return yield* restore(Fiber.join(fiber)).pipe(
        Effect.timeoutOrElse({
          duration: DEADLINE,
          orElse: () => unavailable(`no answer within ${Duration.format(DEADLINE)}`, "deadline")
        }),
        Effect.onError(() => Effect.forkDetach(Fiber.interrupt(fiber)))
      )
    })
  )
