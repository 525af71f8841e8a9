import { Context, Duration, Effect, Layer, Option, Schema, Stream } from "effect"
import type { AuditEntry } from "../domain/conversion/AuditRecord.ts"
import { Database } from "../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import * as AuditFilter from "./AuditFilter.ts"
import * as AuditRows from "./AuditRows.ts"

const STREAM_PAGE_SIZE = 500
/** Records that one page reads to find those that match a filter. */
const MAX_SCANNED_RECORDS = 2000
/** The sealer runs as often. */
const FOLLOW_INTERVAL = Duration.seconds(1)

/** The audit has no record at the position, so the caller has it from another audit or from before a restore. */
export class PositionNotFound extends Schema.TaggedError<PositionNotFound>()("PositionNotFound", {
  /** Position of the last sealed record; 0 for an empty audit. */
  last: Schema.Int
}) {
  override get message(): string {
    return `must be at most ${this.last}, the last sealed position. A greater position belongs to another audit, or was lost when a backup was restored: compare the signed heads, then start again`
  }
}

export interface FeedPage {
  readonly entries: ReadonlyArray<AuditEntry>
  /** Position up to which the page covers the audit. The next page starts after it. */
  readonly position: number
  /** True if more records are sealed. A page with a filter may be empty and have more. */
  readonly hasMore: boolean
}

/**
 * The audit in sealed order. Positions are given when a record is sealed, one by one and in the order in which seals are
 * committed. A record that commits late gets a later position, so a reader that continues after its last position misses
 * none. Ids and times do not have this property.
 */
export class AuditFeed extends Context.Service<
  AuditFeed,
  {
    /** At most `limit` sealed records after a position, in order. Position 0 is the start. */
    readonly pageAfter: (
      filter: AuditFilter.AuditFilter,
      position: number,
      limit: number
    ) => Effect.Effect<FeedPage, PositionNotFound | StoreUnavailable>
    /** The records after a position that are sealed by the time that the end is reached. Holds no connection between pages. */
    readonly streamAfter: (
      filter: AuditFilter.AuditFilter,
      position: number
    ) => Stream.Stream<AuditEntry, PositionNotFound | StoreUnavailable>
    /** {@link streamAfter} without an end: reads again every second. */
    readonly follow: (
      filter: AuditFilter.AuditFilter,
      position: number
    ) => Stream.Stream<AuditEntry, PositionNotFound | StoreUnavailable>
  }
>()("effex/audit/AuditFeed") {
  static readonly layer = Layer.effect(
    AuditFeed,
    Effect.gen(function* () {
      const { read, sql } = yield* Database
      const columns = sql.literal(AuditRows.SELECT_COLUMNS)

      // LATERAL looks each record up by the index; a plan cached while the table was small would scan all of it.
      const scan = (filter: AuditFilter.AuditFilter, position: number, limit: number) =>
        read(
          sql<ScannedRow>`
            SELECT scanned.position, record.* FROM (
              SELECT position, audit_id AS sealed_id FROM audit_seal
              WHERE position > ${position} ORDER BY position LIMIT ${limit}
            ) AS scanned LEFT JOIN LATERAL (
              SELECT ${columns} FROM conversion_audit
              WHERE ${sql.and([sql`id = sealed_id`, ...AuditFilter.conditions(sql, filter)])} LIMIT 1
            ) AS record ON true ORDER BY scanned.position`.withoutTransform
        )

      const requirePosition = Effect.fnUntraced(function* (position: number) {
        const [row] = yield* read(sql<{ last: bigint | null }>`SELECT max(position) AS last FROM audit_seal`)
        const last = Number(row?.last ?? 0n)
        if (position > last) return yield* new PositionNotFound({ last })
      })

      const pageAfter = Effect.fn("AuditFeed.pageAfter")(function* (
        filter: AuditFilter.AuditFilter,
        position: number,
        limit: number
      ) {
        const maxScanned = AuditFilter.isEmpty(filter) ? limit + 1 : MAX_SCANNED_RECORDS
        const rows = yield* scan(filter, position, maxScanned)
        if (rows.length === 0) yield* requirePosition(position)
        const entries: Array<AuditEntry> = []
        let covered = position
        for (const row of rows) {
          if (entries.length === limit) return { entries, position: covered, hasMore: true }
          covered = Number(row.position)
          if (isFound(row)) entries.push(AuditRows.toEntry(row))
        }
        return { entries, position: covered, hasMore: rows.length === maxScanned }
      })

      const streamAfter = (filter: AuditFilter.AuditFilter, start: number) =>
        Stream.paginate<number, AuditEntry, PositionNotFound | StoreUnavailable>(start, (after) =>
          Effect.map(pageAfter(filter, after, STREAM_PAGE_SIZE), ({ entries, hasMore, position }) => [
            entries,
            hasMore ? Option.some(position) : Option.none()
          ])
        )

      const follow = (filter: AuditFilter.AuditFilter, start: number) =>
        Stream.paginate<FollowState, AuditEntry, PositionNotFound | StoreUnavailable>(
          { after: start, delay: Duration.zero },
          ({ after, delay }) =>
            pageAfter(filter, after, STREAM_PAGE_SIZE).pipe(
              Effect.delay(delay),
              Effect.map(({ entries, hasMore, position }) => [
                entries,
                Option.some({ after: position, delay: hasMore ? Duration.zero : FOLLOW_INTERVAL })
              ])
            )
        )

      return AuditFeed.of({ pageAfter, streamAfter, follow })
    })
  )
}

interface FollowState {
  readonly after: number
  readonly delay: Duration.Duration
}

/** A sealed position. The fields of the record are null where the filter does not match. */
type ScannedRow = (AuditRows.AuditRow & { readonly position: bigint }) | UnmatchedRow

interface UnmatchedRow {
  readonly position: bigint
  readonly audit_id: null
}

const isFound = (row: ScannedRow): row is Exclude<ScannedRow, UnmatchedRow> => row.audit_id !== null
