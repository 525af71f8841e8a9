import { Array, DateTime, type Duration, Effect, Option } from "effect"
import * as Decimal from "../../domain/money/Decimal.ts"
import type { RateTick } from "../../domain/rates/Rate.ts"
import { Database } from "../../platform/postgres/Database.ts"
import * as TickConditions from "./TickConditions.ts"

/** Creates the function that finds since when a provider has sent the same digits. See `RateLevelRepo.unchangedSince`. */
export const make = Effect.gen(function* () {
  const { sql, execute } = yield* Database
  const { quarantinedTicks, storedTicks } = TickConditions.make(sql)

  return Effect.fn("RateLevelRepo.unchangedSince")(function* (tick: RateTick, atLeast: Duration.Duration) {
    const before = DateTime.subtractDuration(tick.observedAt, atLeast)
    const earliest = DateTime.subtract(before, { days: 30 })
    const rate = sql`${Decimal.format(tick.rate)}::numeric`
    const until = sql`observed_at <= ${DateTime.toDateUtc(before)}`
    const rows = yield* execute(sql<{ since: Date }>`
      SELECT observed_at AS since FROM (
        (
          SELECT rate, observed_at FROM exchange_rate WHERE ${storedTicks(tick, earliest)} AND ${until}
          ORDER BY observed_at DESC, recorded_at DESC, id DESC LIMIT 1
        ) UNION ALL (
          SELECT rate, observed_at FROM quarantined_rate WHERE ${quarantinedTicks(tick, earliest)} AND ${until}
          ORDER BY observed_at DESC, id DESC LIMIT 1
        ) ORDER BY observed_at DESC LIMIT 1
      ) AS earlier
      WHERE rate = ${rate} AND (
        EXISTS (SELECT FROM exchange_rate WHERE ${storedTicks(tick, before)})
        OR EXISTS (SELECT FROM quarantined_rate WHERE ${quarantinedTicks(tick, before)})
      )
      AND NOT EXISTS (SELECT FROM exchange_rate WHERE ${storedTicks(tick, before)} AND rate <> ${rate})
      AND NOT EXISTS (SELECT FROM quarantined_rate WHERE ${quarantinedTicks(tick, before)} AND rate <> ${rate})`)
    return Option.map(Array.head(rows), ({ since }) => DateTime.fromDateUnsafe(since))
  })
})
