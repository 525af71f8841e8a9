import { Array, Effect, Schedule } from "effect"
import type { SqlExecutor } from "./SqlExecutor.ts"

/**
 * Creates missing monthly partitions for the next 12 months. Creating a partition locks the whole table, and writers
 * queue behind a pending lock request. Each partition is therefore created in its own transaction with a short lock
 * timeout; the daily run leaves many attempts before a partition is needed.
 */
export const ensurePartitions = Effect.fnUntraced(function* ({
  execute,
  sql
}: Pick<SqlExecutor, "execute" | "sql">) {
  const tables = yield* execute(sql<{ name: string }>`
    SELECT partrelid::regclass::text AS name FROM pg_partitioned_table`)
  const create = (name: string, month: number) =>
    sql`SET LOCAL lock_timeout = '500ms'`.pipe(
      Effect.andThen(sql`
        SELECT ensure_monthly_partitions(${name}::text::regclass, now() + make_interval(months => ${month}::int), 1)`),
      sql.withTransaction,
      execute
    )
  for (const { name } of tables) {
    yield* Effect.forEach(Array.range(0, 11), (month) => create(name, month), { discard: true }).pipe(
      Effect.catchCause((cause) =>
        Effect.logWarning(`Creating a partition of ${name} failed; next attempt in a day`, cause)
      )
    )
  }
})

/** Runs {@link ensurePartitions} now and then daily in the background. */
export const maintainPartitions = (executor: SqlExecutor) =>
  ensurePartitions(executor).pipe(
    Effect.catchCause((cause) =>
      Effect.logWarning("Listing the partitioned tables failed; next attempt in a day", cause)
    ),
    Effect.repeat(Schedule.spaced("1 day")),
    Effect.forkScoped
  )
