import { Array, Context, DateTime, Effect, Layer, Option, Schema } from "effect"
import { type PollerChange, PollerSetting } from "../../domain/rates/PollerSetting.ts"
import { Database } from "../../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"

/** Stored poller setting. */
export interface StoredSetting {
  /** None after a reset to POLL_INTERVAL. */
  readonly value: Option.Option<PollerSetting>
  /** Incremented by each change. */
  readonly version: number
  readonly at: DateTime.Utc
  /** Principal of the latest change. */
  readonly principal: string
}

/** Requested change of the poller setting. */
export interface SettingChange {
  /** None resets to POLL_INTERVAL. */
  readonly value: Option.Option<PollerSetting>
  readonly principal: string
  /** Expected current version, 0 before the first change; none changes any version. */
  readonly expectedVersion: Option.Option<number>
}

/** Poller setting in PostgreSQL. A trigger records each change. */
export class PollerSettingRepo extends Context.Service<
  PollerSettingRepo,
  {
    /** None before the first change. */
    readonly stored: Effect.Effect<Option.Option<StoredSetting>, StoreUnavailable>
    /** Writes a change. Returns none if the version differs from the expected one, or the value does not change. */
    readonly write: (change: SettingChange) => Effect.Effect<Option.Option<StoredSetting>, StoreUnavailable>
    /** Returns at most `limit` changes before a version, newest first. */
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

      const stored = execute(sql`SELECT ${columns} FROM setting WHERE name = ${NAME}`).pipe(
        Effect.flatMap((rows) => Effect.orDie(decodeStored(rows))),
        Effect.map(Array.head)
      )

      const write = Effect.fn("PollerSettingRepo.write")(function* ({
        principal,
        value,
        expectedVersion
      }: SettingChange) {
        const text = Option.getOrNull(Option.map(value, encodeText))
        const expected = Option.getOrNull(expectedVersion)
        const now = DateTime.toDateUtc(yield* DateTime.now)
        const rows = yield* execute(sql`
          INSERT INTO setting (name, value, version, updated_at, updated_by)
          SELECT ${NAME}, requested.value, 1, ${now}::timestamptz, ${principal}::text
          FROM (SELECT ${text}::text::jsonb AS value, ${expected}::bigint AS version) AS requested
          LEFT JOIN setting AS current ON current.name = ${NAME}
          WHERE COALESCE(requested.version = COALESCE(current.version, 0), true)
            AND requested.value IS DISTINCT FROM current.value
          ON CONFLICT (name) DO UPDATE SET
            value = excluded.value, version = setting.version + 1,
            updated_at = excluded.updated_at, updated_by = excluded.updated_by
          WHERE COALESCE(setting.version = ${expected}::bigint, true) AND setting.value IS DISTINCT FROM excluded.value
          RETURNING ${columns}`)
        return Array.head(yield* Effect.orDie(decodeStored(rows)))
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

      return PollerSettingRepo.of({ stored, write, changes })
    })
  )
}

/** Primary key of the row in the table `setting`. */
const NAME = "poller"

const encodeText = Schema.encodeSync(Schema.fromJsonString(PollerSetting))

const Value = Schema.OptionFromNullOr(PollerSetting)
const changeColumns = { version: Schema.Int, at: Schema.DateTimeUtcFromDate, principal: Schema.String }

const decodeStored = Schema.decodeUnknownEffect(
  Schema.Array(Schema.Struct({ value: Value, ...changeColumns }))
)

const decodeChanges = Schema.decodeUnknownEffect(
  Schema.Array(Schema.Struct({ from: Value, to: Value, ...changeColumns }))
)
