import { DateTime, Option } from "effect"
import type { SqlClient } from "effect/sql"
import type { CurrencyPair } from "../../domain/money/CurrencyPair.ts"
import type { RateId } from "../../domain/rates/Rate.ts"
import { UNLESS_LATER } from "../RateRepo.ts"

/** A rate that is to be imported. */
export interface StagedRate {
  /** Its number in what is imported, larger than those before it. */
  readonly line: number
  readonly pair: CurrencyPair
  /** Plain digits. */
  readonly rate: string
  /** As it was written. */
  readonly providerRate: string
  readonly provider: string
  /** What it was read from, as JSON text. */
  readonly raw: string
  readonly observedAt: DateTime.Utc
  /** When it became known elsewhere, where that is told: later lines of the same pair and moment correct earlier ones. */
  readonly toldAt: Option.Option<DateTime.Utc>
  /** It only serves to compute others: it is stored where one of them is, and is never in force. */
  readonly isLeg: boolean
  /** The lines that it was computed from, which come before it. */
  readonly legs: ReadonlyArray<number>
}

/** How many lines one statement compares and stores. */
export const BATCH = 5000

/** A line that says of a pair and a moment what another one says, or contradicts it. */
export interface Repetition {
  readonly line: number
  readonly firstLine: number
  readonly isSameRate: boolean
  readonly rate: string
  readonly firstRate: string
  readonly provider: string
  readonly firstProvider: string
}

/** A staged line, beside what is known. */
export interface Compared {
  readonly line: number
  /** The pair. */
  readonly key: string
  readonly observedAt: Date
  readonly isLeg: boolean
  readonly legs: ReadonlyArray<number>
  /** When what is known now of the pair and the moment was recorded; null where nothing is. */
  readonly knownAt: Date | null
  /** It says the same. */
  readonly isKnown: boolean
}

/** A staged line under the id that it gets. */
export interface Identified {
  readonly line: number
  readonly id: RateId
  readonly recordedAt: DateTime.Utc
  readonly derivedFrom: ReadonlyArray<RateId>
}

/** What may become the latest rate of a pair. */
export interface Candidate {
  readonly key: string
  readonly id: RateId
  readonly observedAt: Date
}

/** The statements of an import, over temporary tables that go with their transaction. */
export const make = (sql: SqlClient.SqlClient) => {
  /** The rows of a JSON array, which is one parameter however many they are. */
  const rowsOf = (rows: ReadonlyArray<unknown>) => sql`${JSON.stringify(rows)}::text::jsonb`

  const lock = sql<{ isFree: boolean }>`
    SELECT pg_try_advisory_xact_lock(hashtext('effex import')) AS is_free`

  const createStaged = sql`
    CREATE TEMPORARY TABLE staged_rate (
      line int PRIMARY KEY, source_currency text, destination_currency text, rate numeric, provider text,
      provider_rate text, raw jsonb, observed_at timestamptz(3), told_at timestamptz(3), is_leg boolean, legs int[]
    ) ON COMMIT DROP`

  const add = (rates: ReadonlyArray<StagedRate>) => {
    const rows = rates.map(
      ({ isLeg, legs, line, observedAt, pair, provider, providerRate, rate, raw, toldAt }) => ({
        line,
        source_currency: pair.from,
        destination_currency: pair.to,
        rate,
        provider,
        provider_rate: providerRate,
        raw,
        observed_at: DateTime.formatIso(observedAt),
        told_at: Option.getOrNull(Option.map(toldAt, DateTime.formatIso)),
        is_leg: isLeg,
        legs
      })
    )
    return sql`
      INSERT INTO staged_rate
      SELECT line, source_currency, destination_currency, rate, provider, provider_rate, raw::jsonb,
        observed_at, told_at, is_leg, legs
      FROM jsonb_to_recordset(${rowsOf(rows)}) AS row (
        line int, source_currency text, destination_currency text, rate numeric, provider text,
        provider_rate text, raw text, observed_at timestamptz, told_at timestamptz, is_leg boolean, legs int[])`
  }

  const findRepetitions = sql`
    CREATE TEMPORARY TABLE repeated_rate ON COMMIT DROP AS
    SELECT * FROM (
      SELECT line, rate, provider, first_value(line) OVER same AS first_line,
        first_value(rate) OVER same AS first_rate, first_value(provider) OVER same AS first_provider,
        told_at < first_value(told_at) OVER same AS is_corrected
      FROM staged_rate WHERE NOT is_leg
      WINDOW same AS (PARTITION BY source_currency, destination_currency, observed_at
        ORDER BY told_at DESC NULLS LAST, line)
    ) AS staged WHERE line <> first_line`

  const dropRepetitions = sql`
    DELETE FROM staged_rate USING repeated_rate WHERE staged_rate.line = repeated_rate.line`

  const analyze = sql`ANALYZE staged_rate`

  // The same rate of another provider contradicts as well: it would correct the first one, and be corrected by it in
  // the next import of the same file.
  const contradictions = (after: number) => sql<Repetition>`
    SELECT line, first_line, rate = first_rate AS is_same_rate, rate, first_rate, provider, first_provider
    FROM repeated_rate
    WHERE line > ${after} AND (rate <> first_rate OR provider <> first_provider) AND is_corrected IS NOT TRUE
    ORDER BY line LIMIT ${BATCH}`

  const months = sql<{ month: Date }>`
    SELECT DISTINCT date_trunc('month', observed_at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' AS month
    FROM staged_rate ORDER BY month`

  /**
   * The lines after one, each beside what is known now of its pair and moment: the rate that was recorded last. The
   * bounds of the id name the partitions in which it can be.
   */
  const compare = (after: number) => sql<Compared>`
    WITH batch AS (SELECT * FROM staged_rate WHERE line > ${after} ORDER BY line LIMIT ${BATCH})
    SELECT batch.line, source_currency || ':' || destination_currency AS key, observed_at, is_leg, legs,
      known.recorded_at AS known_at, coalesce(known.is_known, false) AS is_known
    FROM batch LEFT JOIN LATERAL (
      SELECT recorded_at, rate = batch.rate AND provider = batch.provider AS is_known
      FROM exchange_rate
      WHERE NOT is_leg AND NOT batch.is_leg
        AND source_currency = batch.source_currency AND destination_currency = batch.destination_currency
        AND observed_at = batch.observed_at
        AND id >= uuidv7_floor(batch.observed_at - interval '24 hours')
        AND id < uuidv7_floor(batch.observed_at + interval '24 hours')
      ORDER BY recorded_at DESC, id DESC LIMIT 1
    ) AS known ON true
    ORDER BY batch.line`

  /** Each of these lines with the id of the very same rate, where it is stored, in force or as a leg. */
  const findLegs = (lines: ReadonlyArray<number>) => sql<{
    line: number
    observedAt: Date
    id: RateId | null
  }>`
    SELECT staged.line, staged.observed_at, stored.id
    FROM staged_rate AS staged LEFT JOIN LATERAL (
      SELECT id FROM exchange_rate
      WHERE source_currency = staged.source_currency AND destination_currency = staged.destination_currency
        AND observed_at = staged.observed_at AND rate = staged.rate AND provider = staged.provider
        AND id >= uuidv7_floor(staged.observed_at)
        AND id < uuidv7_floor(staged.observed_at + interval '1 millisecond')
      ORDER BY id DESC LIMIT 1
    ) AS stored ON true
    WHERE staged.line IN (SELECT line::int FROM jsonb_array_elements_text(${rowsOf(lines)}) AS given (line))`

  const insert = (rates: ReadonlyArray<Identified>) => {
    const rows = rates.map(({ derivedFrom, id, line, recordedAt }) => ({
      line,
      id,
      recorded_at: DateTime.formatIso(recordedAt),
      derived_from: derivedFrom.length === 0 ? null : derivedFrom
    }))
    return sql`
      INSERT INTO exchange_rate (
        id, source_currency, destination_currency, rate, source_amount, destination_amount,
        provider, provider_rate, derived_from, raw, observed_at, recorded_at, is_leg
      ) SELECT
        id, source_currency, destination_currency, rate, 1, rate,
        provider, provider_rate, derived_from, raw, observed_at, recorded_at, is_leg
      FROM jsonb_to_recordset(${rowsOf(rows)}) AS given (
        line int, id uuid, recorded_at timestamptz, derived_from uuid[])
      JOIN staged_rate USING (line)`
  }

  const advanceLatest = (candidates: Iterable<Candidate>) => {
    const rows = Array.from(candidates, ({ id, key, observedAt }) => ({
      source_currency: key.slice(0, 3),
      destination_currency: key.slice(4),
      rate_id: id,
      observed_at: observedAt.toISOString()
    }))
    return sql`
      INSERT INTO latest_rate (source_currency, destination_currency, rate_id, observed_at)
      SELECT * FROM jsonb_to_recordset(${rowsOf(rows)}) AS row (
        source_currency text, destination_currency text, rate_id uuid, observed_at timestamptz)
      ${sql.literal(UNLESS_LATER)}`
  }

  return {
    lock,
    createStaged,
    add,
    findRepetitions,
    dropRepetitions,
    analyze,
    contradictions,
    months,
    compare,
    findLegs,
    insert,
    advanceLatest
  }
}
