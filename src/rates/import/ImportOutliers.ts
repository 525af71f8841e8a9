import { BigDecimal, Effect } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import { AssetCode } from "../../domain/money/Asset.ts"
import { AssetPair } from "../../domain/money/AssetPair.ts"
import * as Decimal from "../../domain/money/Decimal.ts"
import * as RateSeries from "../../domain/rates/RateSeries.ts"
import { BATCH_SIZE } from "./ImportStatements.ts"
import * as OutlierStatements from "./OutlierStatements.ts"

/** Called with outliers, in the order of their lines. */
export type OnOutliers<E> = (outliers: ReadonlyArray<OutlierStatements.OutlierRow>) => Effect.Effect<void, E>

/** Makes the judgement of staged rates: by the stored and staged rates before and after, and by approximate rates. */
export const make = (sql: SqlClient.SqlClient, maxJumpOf: (pair: AssetPair) => BigDecimal.BigDecimal) => {
  const statements = OutlierStatements.make(sql)

  const addOutliers = Effect.fnUntraced(function* (ranges: ReadonlyArray<RateSeries.Outliers>) {
    for (let start = 0; start < ranges.length; start += BATCH_SIZE) {
      yield* statements.addOutliers(
        ranges.slice(start, start + BATCH_SIZE).map(({ firstPosition, high, lastPosition, low }) => ({
          first_position: firstPosition,
          last_position: lastPosition,
          low: Decimal.format(low),
          high: Decimal.format(high)
        }))
      )
    }
  })

  /** Reads the series of all pairs in batches and keeps only their breaks in memory. */
  const find = Effect.gen(function* () {
    yield* statements.createSeries
    yield* statements.indexSeries
    yield* statements.createOutliers
    let pair: AssetPair | undefined
    let series: ReturnType<typeof RateSeries.make> | undefined
    for (let after = 0; ;) {
      const rows = yield* statements.series(after)
      for (const row of rows) {
        if (pair?.from !== row.sourceCurrency || pair.to !== row.destinationCurrency) {
          yield* addOutliers(series?.outliers() ?? [])
          pair = new AssetPair({
            from: AssetCode.make(row.sourceCurrency),
            to: AssetCode.make(row.destinationCurrency)
          })
          series = RateSeries.make(pair, maxJumpOf(pair))
        }
        series?.add({
          position: row.position,
          at: row.observedAt.getTime(),
          rate: BigDecimal.fromStringUnsafe(row.rate),
          isStored: row.isStored
        })
      }
      after += rows.length
      if (rows.length < BATCH_SIZE) break
    }
    yield* addOutliers(series?.outliers() ?? [])
  })

  /**
   * Reports the outliers and refuses them, or accepts and records them. Returns their number. Call it once, after the
   * duplicates are removed.
   */
  return Effect.fnUntraced(function* <E>({
    isAccepted,
    onOutliers
  }: {
    readonly isAccepted: boolean
    readonly onOutliers: OnOutliers<E>
  }): Effect.fn.Return<number, E | SqlError.SqlError> {
    yield* find
    let [after, count] = [0, 0]
    for (;;) {
      const rows = yield* statements.outliers(after)
      if (rows.length > 0) yield* onOutliers(rows)
      count += rows.length
      after = rows.at(-1)?.line ?? after
      if (rows.length < BATCH_SIZE) break
    }
    if (count > 0) yield* isAccepted ? statements.acceptOutliers : statements.refuseOutliers
    return count
  })
}
