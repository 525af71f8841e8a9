import { DateTime, Effect } from "effect"
import * as RateIds from "../../src/domain/rates/RateIds.ts"
import { Database } from "../../src/platform/postgres/Database.ts"

let entropy = 0

/** Stores a latest rate that is a day ahead, as a database whose clock is ahead by a day does. Returns its id. */
export const storeInFuture = Effect.fnUntraced(function* (from: string, to: string, rate: string) {
  const { sql } = yield* Database
  const [row] = yield* sql<{ now: Date }>`SELECT clock_timestamp() AS now`
  const ahead = DateTime.add(DateTime.makeUnsafe(row?.now ?? 0), { days: 1, seconds: entropy++ })
  const id = RateIds.make(ahead, ahead, entropy)
  const at = DateTime.toDateUtc(ahead)
  yield* sql.withTransaction(
    Effect.gen(function* () {
      yield* sql`ALTER TABLE exchange_rate DISABLE TRIGGER present`
      yield* sql`
        INSERT INTO exchange_rate (
          id, source_currency, destination_currency, rate, source_amount, destination_amount,
          provider, provider_rate, raw, observed_at, recorded_at
        ) VALUES (${id}, ${from}, ${to}, ${rate}, 1, ${rate}, 'test', ${rate}, '{}', ${at}, ${at})`
      yield* sql`
        INSERT INTO latest_rate (source_currency, destination_currency, rate_id, observed_at)
        VALUES (${from}, ${to}, ${id}, ${at})
        ON CONFLICT (source_currency, destination_currency) DO UPDATE
          SET rate_id = excluded.rate_id, observed_at = excluded.observed_at`
      yield* sql`ALTER TABLE exchange_rate ENABLE TRIGGER present`
    })
  )
  return id
})
