import type { SqlClient } from "effect/sql"
import { BATCH_SIZE } from "./ImportStatements.ts"

/** A rate of a series: a staged rate that is not stored yet, or a stored one. */
export interface SeriesRow {
  /** Position by pair and time. */
  readonly position: number
  readonly sourceCurrency: string
  readonly destinationCurrency: string
  readonly observedAt: Date
  readonly rate: string
  readonly isStored: boolean
}

/** A range of positions whose new rates do not fit their series, and the range that would. */
export interface OutlierRange {
  readonly first_position: number
  readonly last_position: number
  readonly low: string
  readonly high: string
}

/** A staged rate that does not fit its series. */
export interface OutlierRow {
  readonly line: number
  readonly sourceCurrency: string
  readonly destinationCurrency: string
  readonly observedAt: Date
  readonly rate: string
  /** The rate as the source wrote it. */
  readonly providerRate: string
  readonly low: string
  readonly high: string
}

/** Stored rates before the first and after the last staged rate of a pair that take part in the judgement. */
const NEIGHBORS = 3

/** SQL statements that find outliers among the staged rates, over temporary tables that are dropped with the transaction. */
export const make = (sql: SqlClient.SqlClient) => {
  const ofPair = sql.literal(
    "stored.source_currency = period.source_currency AND stored.destination_currency = period.destination_currency AND NOT stored.is_leg"
  )

  /**
   * Merges the staged rates with the stored rates of their period and its neighbors. Leaves out staged rates that are
   * stored already. The bounds of the id select the partitions.
   */
  const createSeries = sql`
    CREATE TEMPORARY TABLE rate_series ON COMMIT DROP AS
    WITH period AS (
      SELECT source_currency, destination_currency, min(observed_at) AS first, max(observed_at) AS last
      FROM staged_rate WHERE NOT is_leg GROUP BY source_currency, destination_currency
    ), stored AS (
      SELECT source_currency, destination_currency, neighbor.*
      FROM period, LATERAL (
        (
          SELECT DISTINCT ON (observed_at) observed_at, rate, recorded_at FROM exchange_rate AS stored
          WHERE ${ofPair} AND observed_at BETWEEN first AND last
            AND id >= uuidv7_floor(greatest(first - interval '1 day', 'epoch'))
            AND id < uuidv7_floor(last + interval '2 days')
          ORDER BY observed_at, recorded_at DESC, id DESC
        ) UNION ALL (
          SELECT observed_at, rate, recorded_at FROM exchange_rate AS stored
          WHERE ${ofPair} AND observed_at < first
          ORDER BY observed_at DESC, recorded_at DESC, id DESC LIMIT ${NEIGHBORS}
        ) UNION ALL (
          SELECT observed_at, rate, recorded_at FROM exchange_rate AS stored
          WHERE ${ofPair} AND observed_at > last
          ORDER BY observed_at, recorded_at DESC, id LIMIT ${NEIGHBORS}
        )
      ) AS neighbor
    ), corrected AS (
      SELECT DISTINCT ON (source_currency, destination_currency, observed_at) *
      FROM stored ORDER BY source_currency, destination_currency, observed_at, recorded_at DESC
    ), series AS (
      SELECT source_currency, destination_currency, observed_at, rate, NULL::int AS line FROM corrected
      UNION ALL
      SELECT source_currency, destination_currency, observed_at, rate, line FROM staged_rate
      WHERE NOT is_leg AND NOT EXISTS (
        SELECT FROM corrected
        WHERE corrected.source_currency = staged_rate.source_currency
          AND corrected.destination_currency = staged_rate.destination_currency
          AND corrected.observed_at = staged_rate.observed_at AND corrected.rate = staged_rate.rate)
    )
    SELECT series.*, row_number() OVER (
      ORDER BY source_currency, destination_currency, observed_at, line NULLS FIRST)::int AS position
    FROM series`

  const indexSeries = sql`CREATE UNIQUE INDEX ON rate_series (position)`

  const series = (after: number) => sql<SeriesRow>`
    SELECT position, source_currency, destination_currency, observed_at, rate, line IS NULL AS is_stored
    FROM rate_series WHERE position > ${after} ORDER BY position LIMIT ${BATCH_SIZE}`

  const createOutliers = sql`
    CREATE TEMPORARY TABLE outlier_rate (line int PRIMARY KEY, low numeric, high numeric) ON COMMIT DROP`

  const addOutliers = (ranges: ReadonlyArray<OutlierRange>) => sql`
    INSERT INTO outlier_rate
    SELECT line, low, high
    FROM jsonb_to_recordset(${JSON.stringify(ranges)}::text::jsonb) AS range (
      first_position int, last_position int, low numeric, high numeric)
    JOIN rate_series ON position BETWEEN first_position AND last_position
    WHERE line IS NOT NULL`

  const outliers = (after: number) => sql<OutlierRow>`
    SELECT line, source_currency, destination_currency, observed_at, trim_scale(rate)::text AS rate, provider_rate,
      low::text, high::text
    FROM outlier_rate JOIN staged_rate USING (line)
    WHERE line > ${after} ORDER BY line LIMIT ${BATCH_SIZE}`

  /** Keeps the outliers from coming into force. They can still be a leg of another rate. */
  const refuseOutliers = sql`
    UPDATE staged_rate SET is_leg = true FROM outlier_rate WHERE staged_rate.line = outlier_rate.line`

  /** Records in the source of the outliers, a JSON object, that they were accepted. */
  const acceptOutliers = sql`
    UPDATE staged_rate
    SET raw = to_jsonb(left(raw #>> '{}', -1) || ',"accepted_outlier":{"expected_from":"' || low || '","expected_to":"'
      || high || '"}}')
    FROM outlier_rate WHERE staged_rate.line = outlier_rate.line`

  return {
    createSeries,
    indexSeries,
    series,
    createOutliers,
    addOutliers,
    outliers,
    refuseOutliers,
    acceptOutliers
  }
}
