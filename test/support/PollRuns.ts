import type { PgClient } from "@effect/sql-pg"
import { assert } from "@effect/vitest"
import { Effect } from "effect"

/** Waits for the first poll that starts from now on, on any node, to finish. */
export const nextRun = Effect.fnUntraced(function* (sql: PgClient.PgClient) {
  const [now] = yield* sql<{ now: Date }>`SELECT clock_timestamp() AS now`
  const [run] = yield* sql<{ id: string; finished: boolean; failed: number }>`
    SELECT id, finished_at IS NOT NULL AS finished, failed FROM poll_run
    WHERE started_at > ${now?.now ?? assert.fail()} ORDER BY started_at LIMIT 1`.pipe(
    Effect.delay("100 millis"),
    Effect.repeat({ until: ([run]) => run?.finished === true })
  )
  return run ?? assert.fail()
})
