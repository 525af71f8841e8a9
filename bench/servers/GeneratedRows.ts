import { PgClient } from "@effect/sql-pg"
import { Effect } from "effect"
import { Reactivity } from "effect/reactivity"
import * as Pairs from "../Pairs.ts"
import { ProcessFailed } from "../Processes.ts"
import type { NewDatabase } from "../Stores.ts"

/** Over how many months the rows are spread. */
const MONTHS = 12
/** How many rows one statement makes. */
const BATCH = 500_000

/**
 * Fills the table of rates of a database that effex has migrated, up to a number of rows: evenly over the last year,
 * each with the id that its moment gives (see `RateIds`), in the partitions of the months.
 */
export const fill = Effect.fnUntraced(
  function* ({ connection }: NewDatabase, rows: number) {
    const sql = yield* PgClient.make({ ...connection, maxConnections: 1 })
    yield* sql`SET synchronous_commit = off`
    yield* sql`
      SELECT ensure_monthly_partitions('exchange_rate', now() - make_interval(months => ${MONTHS}::int), ${MONTHS}::int)`
    for (let first = 0; first < rows; first += BATCH) {
      yield* sql`
        INSERT INTO exchange_rate (id, source_currency, destination_currency, rate, source_amount, destination_amount,
          provider, provider_rate, raw, observed_at, recorded_at)
        SELECT
          (lpad(to_hex((extract(epoch FROM observed_at) * 1000)::bigint), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0'))::uuid,
          split_part(pair, ':', 1), split_part(pair, ':', 2), rate, 1, rate, 'made', rate::text, '{}', observed_at, observed_at
        FROM (
          SELECT n,
            (${Pairs.all}::text[])[1 + n % ${Pairs.all.length}::int] AS pair,
            1000 + (n % 100000)::numeric / 1000 AS rate,
            date_trunc('milliseconds', now() - make_interval(months => ${MONTHS}::int, mins => -1)
              + (now() - (now() - make_interval(months => ${MONTHS}::int))) * (n::float8 / ${rows}::int)
              - interval '1 minute') AS observed_at
          FROM generate_series(${first}::int, ${Math.min(first + BATCH, rows) - 1}::int) AS n
        ) AS made`
    }
    yield* sql`VACUUM ANALYZE exchange_rate`
  },
  Effect.scoped,
  Effect.provide(Reactivity.layer),
  Effect.mapError(({ message }) => new ProcessFailed({ program: "rows", detail: message }))
)
