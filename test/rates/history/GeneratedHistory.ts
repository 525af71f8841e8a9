import { DateTime, Effect } from "effect"
import type { CurrencyPair } from "../../../src/domain/money/CurrencyPair.ts"
import { Database } from "../../../src/platform/postgres/Database.ts"
import * as RateIds from "../../../src/domain/rates/RateIds.ts"

/** A row of `exchange_rate`, with times in milliseconds. */
export interface MadeRow {
  readonly id: string
  readonly pair: CurrencyPair
  readonly rate: string
  readonly observedAt: number
  readonly recordedAt: number
  readonly isLeg: boolean
}

export const HOUR = 3_600_000
export const DAY = 24 * HOUR

/** Numbers from 0 to below 1, the same for the same seed (mulberry32). */
export const randomOf = (seed: number) => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Some days with rates, months apart; the first are of a time without partitions. */
const eras = [
  "2019-03-01",
  "2024-01-30",
  "2024-02-27",
  "2024-04-01",
  "2025-06-30",
  "2025-12-31",
  "2026-03-01"
].map((day) => Date.parse(day))
const ERA = 5 * DAY

/** The last moment of any of them. */
export const LAST = Date.parse("2026-06-01")

/**
 * A history of a pair: corrections soon and late, several of a moment, some of them recorded in the same millisecond,
 * rates that were recorded before they were in force, ids of either of both times, and legs.
 */
export const make = (pair: CurrencyPair, count: number, random: () => number): ReadonlyArray<MadeRow> => {
  const whole = (below: number) => Math.floor(random() * below)
  const moments: Array<number> = []
  const lags = [
    () => 0,
    () => whole(500),
    () => whole(2 * HOUR),
    () => whole(60 * DAY),
    () => whole(500 * DAY),
    () => -whole(2 * HOUR),
    () => -whole(400 * DAY)
  ]
  const rows: Array<MadeRow> = []
  while (rows.length < count) {
    const again = moments[whole(moments.length * 4)]
    const observedAt = again ?? (eras[whole(eras.length)] ?? 0) + whole(ERA)
    moments.push(observedAt)
    const earlier = rows[whole(rows.length * 20)]
    const lag = lags[whole(lags.length)] ?? (() => 0)
    const recordedAt = earlier?.observedAt === observedAt ? earlier.recordedAt : observedAt + lag()
    const isNear = Math.abs(recordedAt - observedAt) < DAY
    const named = isNear && random() < 0.3 ? recordedAt : observedAt
    const [moment, recorded] = [named, Math.max(named, recordedAt)].map((at) => DateTime.makeUnsafe(at))
    if (moment === undefined || recorded === undefined) continue
    rows.push({
      id: RateIds.make(moment, recorded, whole(RateIds.ENTROPY_RANGE)),
      pair,
      rate: `${1 + whole(2000)}.${String(whole(1e8)).padStart(8, "0")}`,
      observedAt,
      recordedAt,
      isLeg: random() < 0.1
    })
  }
  return rows
}

/** Stores rows as they are, past everything that gives them ids and times. */
export const store = Effect.fnUntraced(function* (rows: ReadonlyArray<MadeRow>) {
  const { sql } = yield* Database
  for (const month of ["2024-01-01", "2024-02-01", "2025-12-01", "2026-01-01", "2026-03-01"])
    yield* sql`SELECT ensure_monthly_partitions('exchange_rate', ${month}::timestamptz, 1)`
  const items = rows.map(({ id, isLeg, observedAt, pair, rate, recordedAt }) => ({
    id,
    from: pair.from,
    to: pair.to,
    rate,
    is_leg: isLeg,
    observed_at: new Date(observedAt).toISOString(),
    recorded_at: new Date(recordedAt).toISOString()
  }))
  yield* sql`
    INSERT INTO exchange_rate (id, source_currency, destination_currency, rate, source_amount, destination_amount,
      provider, provider_rate, raw, observed_at, recorded_at, is_leg)
    SELECT id, "from", "to", rate, 1, rate, 'made', rate::text, '{}', observed_at, recorded_at, is_leg
    FROM jsonb_to_recordset(${JSON.stringify(items)}::text::jsonb) AS item (
      id uuid, "from" text, "to" text, rate numeric, is_leg boolean, observed_at timestamptz, recorded_at timestamptz)`
  yield* sql`ANALYZE exchange_rate`
})

/** The order of a history. */
export const order = (a: MadeRow, b: MadeRow) =>
  a.observedAt - b.observedAt || a.recordedAt - b.recordedAt || (a.id < b.id ? -1 : 1)

/** What once was in force of a pair, oldest first. */
export const inForce = (rows: ReadonlyArray<MadeRow>, { key }: CurrencyPair) =>
  rows.filter(({ isLeg, pair }) => !isLeg && pair.key === key).toSorted(order)
