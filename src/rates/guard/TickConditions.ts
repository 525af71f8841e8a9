import { DateTime } from "effect"
import type { SqlClient } from "effect/sql"
import { isSandboxRate, type RateTick } from "../../domain/rates/Rate.ts"

/** Creates the conditions that select the earlier rates with which a tick is compared. */
export const make = (sql: SqlClient.SqlClient) => {
  // The bounds of the id select the monthly partitions.
  const storedTicks = ({ pair, provider }: RateTick, after: DateTime.Utc) => sql`
    source_currency = ${pair.from} AND destination_currency = ${pair.to} AND provider = ${provider}
    AND NOT is_leg AND observed_at > ${DateTime.toDateUtc(after)}
    AND id >= uuidv7_floor(${DateTime.toDateUtc(DateTime.subtract(after, { days: 1 }))}::timestamptz)`

  const quarantinedTicks = ({ pair, provider }: RateTick, after: DateTime.Utc) => sql`
    source_currency = ${pair.from} AND destination_currency = ${pair.to} AND provider = ${provider}
    AND observed_at > ${DateTime.toDateUtc(after)}`

  /** Good rates of the pair: of the tick's provider, or of all providers, either of the sandbox or real ones. */
  const goodRates = (tick: RateTick, isOwn: boolean, after: DateTime.Utc) => sql`
    source_currency = ${tick.pair.from} AND destination_currency = ${tick.pair.to}
    AND NOT is_leg AND NOT is_imported AND observed_at > ${DateTime.toDateUtc(after)}
    AND id >= uuidv7_floor(${DateTime.toDateUtc(DateTime.subtract(after, { days: 1 }))}::timestamptz)
    AND NOT EXISTS (SELECT FROM withdrawn_rate WHERE rate_id = exchange_rate.id)
    AND ${isOwn ? sql`provider = ${tick.provider}` : sql`(provider = 'sandbox') = ${isSandboxRate(tick)}::boolean`}`

  return { storedTicks, quarantinedTicks, goodRates }
}
