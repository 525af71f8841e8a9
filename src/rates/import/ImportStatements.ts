import { DateTime, Option } from "effect"
import type { SqlClient } from "effect/sql"
import type { AssetPair } from "../../domain/money/AssetPair.ts"
import type { RateId } from "../../domain/rates/Rate.ts"
import { ADVANCE_ON_CONFLICT } from "../RateRepo.ts"

/** A rate to import. */
export interface StagedRate {
  /** Line number in the import. Increases from rate to rate. */
  readonly line: number
  readonly pair: AssetPair
  /** Decimal digits without an exponent. */
  readonly rate: string
  /** The rate as the source wrote it. */
  readonly providerRate: string
  readonly provider: string
  /** Source data, as JSON text. */
  readonly raw: string
  readonly observedAt: DateTime.Utc
  /** Recording time in the source system, if known. Of several lines for a pair and time, the latest corrects the others. */
  readonly sourceRecordedAt: Option.Option<DateTime.Utc>
  /** Serves only to derive other rates. Stored together with one of them, and never in force. */
  readonly isLeg: boolean
  /** Earlier lines from which the rate is derived. */
  readonly legs: ReadonlyArray<number>
}

/** Lines that one statement compares or stores. */
export const BATCH_SIZE = 5000

/** A line with the same pair and time as another line: it repeats that line or contradicts it. */
export interface DuplicateLine {
  readonly line: number
  readonly firstLine: number
  readonly isSameRate: boolean
  readonly rate: string
  readonly firstRate: string
  readonly provider: string
  readonly firstProvider: string
}

/** A staged rate, compared with the stored rate of its pair and time. */
export interface ComparedRate {
  readonly line: number
  readonly observedAt: Date
  readonly isLeg: boolean
  readonly legs: ReadonlyArray<number>
  /** Recording time of the stored rate; null if there is none. */
  readonly storedAt: Date | null
  /** The stored rate equals the staged one. */
  readonly isStored: boolean
}

/** A staged rate with its new id. */
export interface IdentifiedRate {
  readonly line: number
  readonly id: RateId
  readonly recordedAt: DateTime.Utc
  readonly derivedFrom: ReadonlyArray<RateId>
}

/** SQL statements of an import, over temporary tables that are dropped with the transaction. */
export const make = (sql: SqlClient.SqlClient) => {
  /** Passes rows as one JSON parameter. */
  const rowsOf = (rows: ReadonlyArray<unknown>) => sql`${JSON.stringify(rows)}::text::jsonb`

  const lock = sql<{ isAcquired: boolean }>`
    SELECT pg_try_advisory_xact_lock(hashtext('effex import')) AS is_acquired`

  const createStaged = sql`
    CREATE TEMPORARY TABLE staged_rate (
      line int PRIMARY KEY, source_currency text, destination_currency text, rate numeric, provider text,
      provider_rate text, raw jsonb, observed_at timestamptz(3), source_recorded_at timestamptz(3), is_leg boolean, legs int[]
    ) ON COMMIT DROP`

  const add = (rates: ReadonlyArray<StagedRate>) => {
    const rows = rates.map(
      ({ isLeg, legs, line, observedAt, pair, provider, providerRate, rate, raw, sourceRecordedAt }) => ({
        line,
        source_currency: pair.from,
        destination_currency: pair.to,
        rate,
        provider,
        provider_rate: providerRate,
        raw,
        observed_at: DateTime.formatIso(observedAt),
        source_recorded_at: Option.getOrNull(Option.map(sourceRecordedAt, DateTime.formatIso)),
        is_leg: isLeg,
        legs
      })
    )
    return sql`
      INSERT INTO staged_rate
      SELECT line, source_currency, destination_currency, rate, provider, provider_rate, to_jsonb(raw),
        observed_at, source_recorded_at, is_leg, legs
      FROM jsonb_to_recordset(${rowsOf(rows)}) AS row (
        line int, source_currency text, destination_currency text, rate numeric, provider text,
        provider_rate text, raw text, observed_at timestamptz, source_recorded_at timestamptz, is_leg boolean, legs int[])`
  }

  const findDuplicates = sql`
    CREATE TEMPORARY TABLE duplicate_rate ON COMMIT DROP AS
    SELECT * FROM (
      SELECT line, rate, provider, first_value(line) OVER same AS first_line,
        first_value(rate) OVER same AS first_rate, first_value(provider) OVER same AS first_provider,
        source_recorded_at < first_value(source_recorded_at) OVER same AS is_corrected
      FROM staged_rate WHERE NOT is_leg
      WINDOW same AS (PARTITION BY source_currency, destination_currency, observed_at
        ORDER BY source_recorded_at DESC NULLS LAST, line)
    ) AS staged WHERE line <> first_line`

  const dropDuplicates = sql`
    DELETE FROM staged_rate USING duplicate_rate WHERE staged_rate.line = duplicate_rate.line`

  const analyze = sql`ANALYZE staged_rate`

  // The same rate from another provider is a contradiction too: each import of the file would make the two lines correct
  // each other.
  const contradictions = (after: number) => sql<DuplicateLine>`
    SELECT line, first_line, rate = first_rate AS is_same_rate, rate, first_rate, provider, first_provider
    FROM duplicate_rate
    WHERE line > ${after} AND (rate <> first_rate OR provider <> first_provider) AND is_corrected IS NOT TRUE
    ORDER BY line LIMIT ${BATCH_SIZE}`

  const months = sql<{ month: Date }>`
    SELECT DISTINCT date_trunc('month', observed_at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' AS month
    FROM staged_rate ORDER BY month`

  /**
   * Compares the lines after a given one with the stored rate of the same pair and time, the last recorded one. The
   * bounds of the id select the partitions.
   */
  const compare = (after: number) => sql<ComparedRate>`
    WITH batch AS (SELECT * FROM staged_rate WHERE line > ${after} ORDER BY line LIMIT ${BATCH_SIZE})
    SELECT batch.line, observed_at, is_leg, legs,
      stored.recorded_at AS stored_at, coalesce(stored.is_equal, false) AS is_stored
    FROM batch LEFT JOIN LATERAL (
      SELECT recorded_at, rate = batch.rate AND provider = batch.provider AS is_equal
      FROM exchange_rate
      WHERE NOT is_leg AND NOT batch.is_leg
        AND source_currency = batch.source_currency AND destination_currency = batch.destination_currency
        AND observed_at = batch.observed_at
        AND id >= uuidv7_floor(batch.observed_at - interval '24 hours')
        AND id < uuidv7_floor(batch.observed_at + interval '24 hours')
      ORDER BY recorded_at DESC, id DESC LIMIT 1
    ) AS stored ON true
    ORDER BY batch.line`

  /** Finds the id of the identical stored rate for each line, in force or as a leg; null if there is none. */
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

  const insert = (rates: ReadonlyArray<IdentifiedRate>) => {
    const rows = rates.map(({ derivedFrom, id, line, recordedAt }) => ({
      line,
      id,
      recorded_at: DateTime.formatIso(recordedAt),
      derived_from: derivedFrom.length === 0 ? null : derivedFrom
    }))
    return sql`
      INSERT INTO exchange_rate (
        id, source_currency, destination_currency, rate, source_amount, destination_amount,
        provider, provider_rate, derived_from, raw, observed_at, recorded_at, is_leg, is_imported
      ) SELECT
        id, source_currency, destination_currency, rate, 1, rate,
        provider, provider_rate, derived_from, raw, observed_at, recorded_at, is_leg, true
      FROM jsonb_to_recordset(${rowsOf(rows)}) AS given (
        line int, id uuid, recorded_at timestamptz, derived_from uuid[])
      JOIN staged_rate USING (line)`
  }

  /** Makes the newest staged rate of each pair the latest one, stored by this import or before. */
  const advanceLatest = sql`
    INSERT INTO latest_rate (source_currency, destination_currency, rate_id, observed_at)
    SELECT newest.source_currency, newest.destination_currency, stored.id, newest.observed_at
    FROM (
      SELECT source_currency, destination_currency, max(observed_at) AS observed_at
      FROM staged_rate WHERE NOT is_leg GROUP BY source_currency, destination_currency
    ) AS newest, LATERAL (
      SELECT id FROM exchange_rate
      WHERE source_currency = newest.source_currency AND destination_currency = newest.destination_currency
        AND observed_at = newest.observed_at AND NOT is_leg
        AND id >= uuidv7_floor(newest.observed_at - interval '1 day')
        AND id < uuidv7_floor(newest.observed_at + interval '1 day')
      ORDER BY recorded_at DESC, id DESC LIMIT 1
    ) AS stored
    ${sql.literal(ADVANCE_ON_CONFLICT)}`

  return {
    lock,
    createStaged,
    add,
    findDuplicates,
    dropDuplicates,
    analyze,
    contradictions,
    months,
    compare,
    findLegs,
    insert,
    advanceLatest
  }
}
