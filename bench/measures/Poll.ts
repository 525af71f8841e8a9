import { PgClient } from "@effect/sql-pg"
import { Console, Effect, Schedule } from "effect"
import { Reactivity } from "effect/reactivity"
import * as Pairs from "../Pairs.ts"
import { Plan } from "../Plan.ts"
import { ProcessFailed } from "../Processes.ts"
import type { Report } from "../Report.ts"
import * as Servers from "../servers/Servers.ts"
import * as SlowProvider from "../servers/SlowProvider.ts"
import { spreadOf } from "../Statistics.ts"

const PROVIDER_MILLIS = 50
const CONCURRENCY = 8
/** Polls per round, one per second. */
const POLLS_PER_ROUND = 3
/** The first polls are slower, until V8 has compiled the hot paths. */
const WARM_UP_POLLS = 6

/** Cryptocurrencies whose prices are polled beside the rates, in two requests. */
const ASSETS = 500
const PRICE_POLLS_PER_ROUND = 1
/** The assets are added after the first poll. */
const PRICE_WARM_UP_POLLS = 1

/** Returns the durations of the first polls of a set with all its pairs, as recorded in the database. */
const durationsOf = (set: "currencies" | "prices", pairs: number, wanted: number) =>
  Effect.flatMap(
    PgClient.PgClient,
    (sql) => sql<{ millis: number }>`
    SELECT (extract(epoch FROM finished_at - started_at) * 1000)::float8 AS millis FROM poll_run
    WHERE finished_at IS NOT NULL AND failed = 0 AND pair_set = ${set} AND pairs = ${pairs} ORDER BY started_at`
  ).pipe(
    Effect.filterOrFail(
      (rows) => rows.length >= wanted,
      (rows) =>
        new ProcessFailed({ program: "poll", detail: `only ${rows.length} polls of ${set} succeeded` })
    ),
    Effect.retry({ schedule: Schedule.spaced("500 millis"), times: 30 * wanted }),
    Effect.map((rows) => rows.slice(0, wanted).map(({ millis }) => millis))
  )

/** Measures the duration of polls of the rates and of the prices, which run beside each other. */
export const poll = Effect.gen(function* () {
  const { rounds } = yield* Plan
  const provider = yield* SlowProvider.listen(PROVIDER_MILLIS)
  const { database } = yield* Servers.effex({
    ...provider,
    POLL_INTERVAL: "1 second",
    POLL_SPACING: "0 millis",
    POLL_CONCURRENCY: String(CONCURRENCY),
    PRICE_PROVIDERS: "coingecko",
    PRICE_POLL_INTERVAL: "10 seconds"
  })
  const sql = yield* PgClient.make({ ...database.connection, maxConnections: 1 })
  const durations = (...of: Parameters<typeof durationsOf>) =>
    Effect.provideService(durationsOf(...of), PgClient.PgClient, sql)
  const wanted = WARM_UP_POLLS + POLLS_PER_ROUND * rounds
  yield* Console.log(`poll: ${wanted} polls`)
  const millis = (yield* durations("currencies", Pairs.all.length, wanted)).slice(WARM_UP_POLLS)
  const ideal = (Pairs.all.length * PROVIDER_MILLIS) / CONCURRENCY
  const wantedPrices = PRICE_WARM_UP_POLLS + PRICE_POLLS_PER_ROUND * rounds
  yield* Console.log(`poll: ${wantedPrices} polls of ${ASSETS} assets`)
  yield* sql`
    INSERT INTO asset (code, kind, name, decimals, provider_symbols, updated_by)
    SELECT 'C' || n, 'crypto', 'Coin ' || n, 8, jsonb_build_object('coingecko', 'coin-' || n), 'bench'
    FROM generate_series(1, ${ASSETS}::int) AS n`
  const priceMillis = (yield* durations("prices", ASSETS, wantedPrices)).slice(PRICE_WARM_UP_POLLS)
  const report: Report = {
    rows: [
      {
        workload: `poll of ${Pairs.all.length} pairs, provider at ${PROVIDER_MILLIS} ms, spacing 0, concurrency ${CONCURRENCY}`,
        measure: `time relative to ${Pairs.all.length} × ${PROVIDER_MILLIS} ms / ${CONCURRENCY}`,
        target: { atMost: 1.3 },
        result: spreadOf(millis.map((time) => time / ideal))
      }
    ],
    figures: [
      { workload: "poll", server: "effex", quantity: "time", unit: "ms", result: spreadOf(millis) },
      {
        workload: `poll of ${ASSETS} prices beside it`,
        server: "effex",
        quantity: "time",
        unit: "ms",
        result: spreadOf(priceMillis)
      }
    ],
    notes: [
      `${Pairs.all.length} pairs in groups of ${CONCURRENCY} make ${Math.ceil(Pairs.all.length / CONCURRENCY)} groups, so no poll can be faster than ${((Math.ceil(Pairs.all.length / CONCURRENCY) * PROVIDER_MILLIS) / ideal).toFixed(2)} of the ideal.`
    ]
  }
  return report
}).pipe(
  Effect.provide(Reactivity.layer),
  Effect.catchTag("SqlError", ({ message }) =>
    Effect.fail(new ProcessFailed({ program: "poll", detail: message }))
  )
)
