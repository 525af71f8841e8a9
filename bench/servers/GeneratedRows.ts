import { PgClient } from "@effect/sql-pg"
import { Effect } from "effect"
import { Reactivity } from "effect/reactivity"
import * as Pairs from "../Pairs.ts"
import { ProcessFailed } from "../Processes.ts"
import type { BenchDatabase } from "../Stores.ts"

/** Number of months that the rows cover. */
const MONTHS = 12
/** Rows inserted per statement. */
const BATCH_SIZE = 500_000

/**
 * Inserts rates into a migrated database, evenly distributed over the last year, with ids derived from their time (see
 * `RateIds`), into monthly partitions.
 */
export const fill = Effect.fnUntraced(
  function* ({ connection }: BenchDatabase, rows: number) {
    const sql = yield* PgClient.make({ ...connection, maxConnections: 1 })
    yield* sql`SET synchronous_commit = off`
    yield* sql`
      SELECT ensure_monthly_partitions('exchange_rate', now() - make_interval(months => ${MONTHS}::int), ${MONTHS}::int)`
    for (let first = 0; first < rows; first += BATCH_SIZE) {
      yield* sql`
        INSERT INTO exchange_rate (id, source_currency, destination_currency, rate, source_amount, destination_amount,
          provider, provider_rate, raw, observed_at, recorded_at)
        SELECT
          (lpad(to_hex((extract(epoch FROM observed_at) * 1000)::bigint), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0'))::uuid,
          split_part(pair, ':', 1), split_part(pair, ':', 2), rate, 1, rate, 'bench', rate::text, '{}', observed_at, observed_at
        FROM (
          SELECT n,
            (${Pairs.all}::text[])[1 + n % ${Pairs.all.length}::int] AS pair,
            1000 + (n % 100000)::numeric / 1000 AS rate,
            date_trunc('milliseconds', now() - make_interval(months => ${MONTHS}::int, mins => -1)
              + (now() - (now() - make_interval(months => ${MONTHS}::int))) * (n::float8 / ${rows}::int)
              - interval '1 minute') AS observed_at
          FROM generate_series(${first}::int, ${Math.min(first + BATCH_SIZE, rows) - 1}::int) AS n
        ) AS generated`
    }
    yield* sql`VACUUM ANALYZE exchange_rate`
  },
  Effect.scoped,
  Effect.provide(Reactivity.layer),
  Effect.mapError(({ message }) => new ProcessFailed({ program: "rows", detail: message }))
)
