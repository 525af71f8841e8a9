import { Array, DateTime, Effect, Option, Schema } from "effect"
import type { SqlError } from "effect/sql"
import type { Database } from "./Database.ts"
import type { StoreUnavailable } from "./StoreUnavailable.ts"

/** A setting in the database, which overrides the environment on all nodes. */
export interface StoredSetting<A> {
  /** None after a reset to the environment. */
  readonly value: Option.Option<A>
  /** Incremented by each change. */
  readonly version: number
  readonly at: DateTime.Utc
  /** Principal of the latest change. */
  readonly principal: string
}

/** Requested change of a setting. */
export interface SettingChange<A> {
  /** None resets to the environment. */
  readonly value: Option.Option<A>
  readonly principal: string
  /** Expected current version, 0 before the first change; none changes any version. */
  readonly expectedVersion: Option.Option<number>
  /** Records the change in its transaction. Does not run if nothing changes. */
  readonly record?: Effect.Effect<void, SqlError.SqlError>
}

/** One change of a setting, with the stored values before and after it. */
export interface RecordedChange<A> {
  readonly version: number
  readonly at: DateTime.Utc
  readonly principal: string
  readonly from: Option.Option<A>
  readonly to: Option.Option<A>
}

/** Reads and writes one setting of the table `setting`. A trigger records each change. */
export interface SettingStore<A> {
  /** None before the first change. */
  readonly stored: Effect.Effect<Option.Option<StoredSetting<A>>, StoreUnavailable>
  /** Writes a change. Returns none if the version differs from the expected one, or the value does not change. */
  readonly write: (
    change: SettingChange<A>
  ) => Effect.Effect<Option.Option<StoredSetting<A>>, StoreUnavailable>
  /** Returns at most `limit` changes before a version, newest first. */
  readonly changes: (
    before: number | undefined,
    limit: number
  ) => Effect.Effect<ReadonlyArray<RecordedChange<A>>, StoreUnavailable>
}

/** Makes the store of the setting with this primary key. */
export const make = <A, I>(
  { execute, sql }: Pick<Database["Service"], "execute" | "sql">,
  name: string,
  schema: Schema.Codec<A, I>
): SettingStore<A> => {
  const encodeText = Schema.encodeSync(Schema.fromJsonString(schema))
  const Value = Schema.OptionFromNullOr(Schema.fromJsonString(schema))
  const change = { version: Schema.Int, at: Schema.DateTimeUtcFromDate, principal: Schema.String }
  const decodeStored = Schema.decodeUnknownEffect(Schema.Array(Schema.Struct({ value: Value, ...change })))
  const decodeChanges = Schema.decodeUnknownEffect(
    Schema.Array(Schema.Struct({ from: Value, to: Value, ...change }))
  )
  // As text, because the client changes the names of fields in JSON.
  const columns = sql`value::text AS value, version::int, updated_at AS at, updated_by AS principal`

  const stored = execute(sql`SELECT ${columns} FROM setting WHERE name = ${name}`).pipe(
    Effect.flatMap((rows) => Effect.orDie(decodeStored(rows))),
    Effect.map(Array.head)
  )

  const write = Effect.fn("StoredSetting.write")(function* ({
    expectedVersion,
    principal,
    record = Effect.void,
    value
  }: SettingChange<A>) {
    const text = Option.getOrNull(Option.map(value, encodeText))
    const expected = Option.getOrNull(expectedVersion)
    const now = DateTime.toDateUtc(yield* DateTime.now)
    const statement = sql`
      INSERT INTO setting (name, value, version, updated_at, updated_by)
      SELECT ${name}, requested.value, 1, ${now}::timestamptz, ${principal}::text
      FROM (SELECT ${text}::text::jsonb AS value, ${expected}::bigint AS version) AS requested
      LEFT JOIN setting AS current ON current.name = ${name}
      WHERE COALESCE(requested.version = COALESCE(current.version, 0), true)
        AND requested.value IS DISTINCT FROM current.value
      ON CONFLICT (name) DO UPDATE SET
        value = excluded.value, version = setting.version + 1,
        updated_at = excluded.updated_at, updated_by = excluded.updated_by
      WHERE COALESCE(setting.version = ${expected}::bigint, true) AND setting.value IS DISTINCT FROM excluded.value
      RETURNING ${columns}`
    const rows = yield* execute(
      sql.withTransaction(Effect.tap(statement, (written) => (written.length > 0 ? record : Effect.void)))
    )
    return Array.head(yield* Effect.orDie(decodeStored(rows)))
  })

  const changes = Effect.fn("StoredSetting.changes")(function* (before: number | undefined, limit: number) {
    const where = before === undefined ? sql`true` : sql`version < ${before}`
    const rows = yield* execute(sql`
      SELECT version::int, changed_at AS at, principal, old_value::text AS "from", new_value::text AS "to"
      FROM setting_change WHERE name = ${name} AND ${where} ORDER BY version DESC LIMIT ${limit}`)
    return yield* Effect.orDie(decodeChanges(rows))
  })

  return { stored, write, changes }
}
