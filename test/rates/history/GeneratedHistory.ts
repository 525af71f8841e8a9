import { DateTime, Effect } from "effect"
import type { AssetPair } from "../../../src/domain/money/AssetPair.ts"
import { Database } from "../../../src/platform/postgres/Database.ts"
import * as RateIds from "../../../src/domain/rates/RateIds.ts"

/** Generated row of `exchange_rate`, with times in epoch milliseconds. */
export interface GeneratedRow {
  readonly id: string
  readonly pair: AssetPair
  readonly rate: string
  readonly observedAt: number
  readonly recordedAt: number
  readonly isLeg: boolean
}

export const HOUR = 3_600_000
export const DAY = 24 * HOUR

/** Creates a pseudo-random generator of numbers in [0, 1) (mulberry32). */
export const seededRandom = (seed: number) => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** First days of the periods with rates. The first ones have no partition of their own. */
const PERIOD_STARTS = [
  "2019-03-01",
  "2024-01-30",
  "2024-02-27",
  "2024-04-01",
  "2025-06-30",
  "2025-12-31",
  "2026-03-01"
].map((day) => Date.parse(day))
const PERIOD = 5 * DAY

/** The database rejects rates that are recorded in the future. */
const LAST_RECORDING = Date.parse("2026-11-01")

/** Later than all rates. */
export const END_TIME = Date.parse("2026-06-01")

/**
 * Generates the history of a pair: early and late corrections, several at the same time, some of them recorded in the same
 * millisecond, forward-dated rates, ids by observation or recording time, and legs.
 */
export const make = (pair: AssetPair, count: number, random: () => number): ReadonlyArray<GeneratedRow> => {
  const whole = (below: number) => Math.floor(random() * below)
  const times: Array<number> = []
  const lags = [
    () => 0,
    () => whole(500),
    () => whole(2 * HOUR),
    () => whole(60 * DAY),
    () => whole(500 * DAY),
    () => -whole(2 * HOUR),
    () => -whole(400 * DAY)
  ]
  const rows: Array<GeneratedRow> = []
  while (rows.length < count) {
    const repeated = times[whole(times.length * 4)]
    const observedAt = repeated ?? (PERIOD_STARTS[whole(PERIOD_STARTS.length)] ?? 0) + whole(PERIOD)
    times.push(observedAt)
    const earlier = rows[whole(rows.length * 20)]
    const lag = lags[whole(lags.length)] ?? (() => 0)
    const recordedAt =
      earlier?.observedAt === observedAt
        ? earlier.recordedAt
        : Math.min(observedAt + lag(), LAST_RECORDING - whole(DAY))
    const isWithinDay = Math.abs(recordedAt - observedAt) < DAY
    const idTime = isWithinDay && random() < 0.3 ? recordedAt : observedAt
    const [idMoment, recorded] = [idTime, Math.max(idTime, recordedAt)].map((at) => DateTime.makeUnsafe(at))
    if (idMoment === undefined || recorded === undefined) continue
    rows.push({
      id: RateIds.make(idMoment, recorded, whole(RateIds.ENTROPY_RANGE)),
      pair,
      rate: `${1 + whole(2000)}.${String(whole(1e8)).padStart(8, "0")}`,
      observedAt,
      recordedAt,
      isLeg: random() < 0.1
    })
  }
  return rows
}

/** Inserts rows with their given ids and times. */
export const store = Effect.fnUntraced(function* (rows: ReadonlyArray<GeneratedRow>) {
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

/** Sort order of history rows. */
export const order = (a: GeneratedRow, b: GeneratedRow) =>
  a.observedAt - b.observedAt || a.recordedAt - b.recordedAt || (a.id < b.id ? -1 : 1)

/** Rates of a pair that were in force, oldest first. */
export const ratesInForce = (rows: ReadonlyArray<GeneratedRow>, { key }: AssetPair) =>
  rows.filter(({ isLeg, pair }) => !isLeg && pair.key === key).toSorted(order)
