import { Clock, Duration, Effect, Path, Ref, Schedule } from "effect"
import { Migrator, SqlError } from "effect/sql"
import * as MigratorFileSystem from "effect/sql/MigratorFileSystem"
import * as SlowStart from "../SlowStart.ts"
import * as ConnectionFailure from "./ConnectionFailure.ts"
import * as IndexBuilds from "./IndexBuilds.ts"
import { failUnavailable, isUnavailable } from "./SqlFailures.ts"

/** Table that records the applied migrations. */
export const MIGRATIONS_TABLE = "effex_migrations"

/** Migrations of this version of effex in ascending order, each with its id, name and loader. */
export const migrations = Effect.gen(function* () {
  const path = yield* Path.Path
  const folder = yield* path.fromFileUrl(new URL("../../../migrations", import.meta.url))
  return yield* MigratorFileSystem.fromFileSystem(folder)
})

/** Applies pending migrations in one transaction, with the migrations table locked against concurrent starts. */
const applyPending = Migrator.make({})({
  loader: Effect.catchTag(migrations, "BadArgument", Effect.die),
  table: MIGRATIONS_TABLE
})

/** Also true for a migration whose lock timeout expired, since it can be retried. */
const isRetryable = (error: { readonly _tag: string; readonly cause?: unknown }) => {
  const cause = error._tag === "MigrationError" ? error.cause : error
  return SqlError.isSqlError(cause) && isUnavailable(cause)
}

/** Time between two log lines about a database that is not ready. */
const WAIT_LOG_INTERVAL = Duration.seconds(5)

/**
 * Migrates the database to this version of effex. Waits half a minute for a database that is starting. Fails at once with
 * the reason if waiting cannot help, such as for a wrong password.
 */
export const migrate = Effect.gen(function* () {
  const lastLog = yield* Ref.make(Number.NEGATIVE_INFINITY)
  const logWait = Effect.fnUntraced(function* (failure: ConnectionFailure.ConnectionFailure) {
    const now = yield* Clock.currentTimeMillis
    if (now - (yield* Ref.get(lastLog)) < Duration.toMillis(WAIT_LOG_INTERVAL)) return
    yield* Ref.set(lastLog, now)
    yield* Effect.logWarning(`Waiting for the database. ${failure.message}`)
  })
  const attempt = Effect.andThen(IndexBuilds.run(MIGRATIONS_TABLE), applyPending).pipe(
    Effect.catchIf(
      (error) => error._tag === "SqlError" || isRetryable(error),
      (error) => Effect.flatMap(ConnectionFailure.describe(error), Effect.fail)
    )
  )
  const applied = yield* attempt.pipe(
    Effect.tapError((error) =>
      error._tag === "ConnectionFailure" && error.isTransient ? logWait(error) : Effect.void
    ),
    Effect.retry({
      schedule: Schedule.exponential("200 millis", 1.5),
      while: (error) => error._tag === "ConnectionFailure" && error.isTransient,
      times: 10
    }),
    SlowStart.report("Waiting for the database to be connected and migrated"),
    Effect.catchTag("ConnectionFailure", (failure) => failUnavailable(failure))
  )
  if (applied.length > 0)
    yield* Effect.logInfo(`Applied migrations: ${applied.map(([id, name]) => `${id}_${name}`).join(", ")}`)
})
