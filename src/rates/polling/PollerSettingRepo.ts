import { Array, Context, DateTime, Effect, Layer, Option, Schema } from "effect"
import { type PollerChange, PollerSetting } from "../../domain/rates/PollerSetting.ts"
import { Database } from "../../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"

/** What the database keeps of the poller's setting. */
export interface KeptSetting {
  /** None where it has gone back to POLL_INTERVAL. */
  readonly value: Option.Option<PollerSetting>
  /** Grows by one with each change. */
  readonly version: number
  readonly at: DateTime.Utc
  /** Who changed it last. */
  readonly principal: string
}

/** A change that somebody wants. */
export interface WantedChange {
  /** None goes back to POLL_INTERVAL. */
  readonly value: Option.Option<PollerSetting>
  readonly principal: string
  /** The version that is to be changed, 0 for the first; none changes whichever there is. */
  readonly version: Option.Option<number>
}

/** The poller's setting in Postgres, where a trigger writes down each change of it. */
export class PollerSettingRepo extends Context.Service<
  PollerSettingRepo,
  {
    /** None where it was never changed. */
    readonly kept: Effect.Effect<Option.Option<KeptSetting>, StoreUnavailable>
    /** Writes a change. None where it is at another version, and where there is nothing to change. */
    readonly write: (wanted: WantedChange) => Effect.Effect<Option.Option<KeptSetting>, StoreUnavailable>
    /** At most `limit` changes before a version, newest first. */
    readonly changes: (
      before: number | undefined,
      limit: number
    ) => Effect.Effect<ReadonlyArray<PollerChange>, StoreUnavailable>
  }
>()("effex/rates/polling/PollerSettingRepo") {
  static readonly layer = Layer.effect(
    PollerSettingRepo,
    Effect.gen(function* () {
      const { sql, execute } = yield* Database

      const columns = sql`value, version::int, updated_at AS at, updated_by AS principal`

      const kept = execute(sql`SELECT ${columns} FROM setting WHERE name = ${NAME}`).pipe(
        Effect.flatMap((rows) => Effect.orDie(decodeKept(rows))),
        Effect.map(Array.head)
      )

      const write = Effect.fn("PollerSettingRepo.write")(function* ({
        principal,
        value,
        version
      }: WantedChange) {
        const text = Option.getOrNull(Option.map(value, encodeText))
        const expected = Option.getOrNull(version)
        const now = DateTime.toDateUtc(yield* DateTime.now)
        const rows = yield* execute(sql`
          INSERT INTO setting (name, value, version, updated_at, updated_by)
          SELECT ${NAME}, wanted.value, 1, ${now}::timestamptz, ${principal}::text
          FROM (SELECT ${text}::text::jsonb AS value, ${expected}::bigint AS version) AS wanted
          LEFT JOIN setting AS known ON known.name = ${NAME}
          WHERE COALESCE(wanted.version = COALESCE(known.version, 0), true) AND wanted.value IS DISTINCT FROM known.value
          ON CONFLICT (name) DO UPDATE SET
            value = excluded.value, version = setting.version + 1,
            updated_at = excluded.updated_at, updated_by = excluded.updated_by
          WHERE COALESCE(setting.version = ${expected}::bigint, true) AND setting.value IS DISTINCT FROM excluded.value
          RETURNING ${columns}`)
        return Array.head(yield* Effect.orDie(decodeKept(rows)))
      })

      const changes = Effect.fn("PollerSettingRepo.changes")(function* (
        before: number | undefined,
        limit: number
      ) {
        const where = before === undefined ? sql`true` : sql`version < ${before}`
        const rows = yield* execute(sql`
          SELECT version::int, changed_at AS at, principal, old_value AS "from", new_value AS "to"
          FROM setting_change WHERE name = ${NAME} AND ${where} ORDER BY version DESC LIMIT ${limit}`)
        return yield* Effect.orDie(decodeChanges(rows))
      })

      return PollerSettingRepo.of({ kept, write, changes })
    })
  )
}

/** As it stands in the table of settings. */
const NAME = "poller"

const encodeText = Schema.encodeSync(Schema.fromJsonString(PollerSetting))

const Value = Schema.OptionFromNullOr(PollerSetting)
const traced = { version: Schema.Int, at: Schema.DateTimeUtcFromDate, principal: Schema.String }

const decodeKept = Schema.decodeUnknownEffect(Schema.Array(Schema.Struct({ value: Value, ...traced })))

const decodeChanges = Schema.decodeUnknownEffect(
  Schema.Array(Schema.Struct({ from: Value, to: Value, ...traced }))
)
