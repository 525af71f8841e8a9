import { Effect, Path, Schedule } from "effect"
import { Migrator, SqlError } from "effect/sql"
import * as MigratorFileSystem from "effect/sql/MigratorFileSystem"
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

/** Migrates the database to this version of effex. Waits for a database that is starting. */
export const migrate = Effect.gen(function* () {
  const applied = yield* applyPending.pipe(
    Effect.tapError((error) => Effect.logWarning(`The database cannot be migrated yet: ${error.message}`)),
    Effect.retry({ schedule: Schedule.exponential("200 millis", 1.5), while: isRetryable, times: 10 }),
    Effect.catchIf(isRetryable, failUnavailable),
    Effect.catchTag("SqlError", Effect.die)
  )
  for (const [id, name] of applied) yield* Effect.logInfo(`Applied migration ${id}_${name}`)
})
