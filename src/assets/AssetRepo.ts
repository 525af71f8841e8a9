import { Array, Context, DateTime, Effect, Layer, Option, Schema } from "effect"
import type { SqlError } from "effect/sql"
import { AssetRefused, AssetChanged, MAX_ASSETS } from "../domain/assets/AssetErrors.ts"
import {
  type AssetChange,
  type AssetDefinition,
  AssetState,
  type CatalogAsset,
  isSame,
  ProviderSymbols
} from "../domain/assets/CatalogAsset.ts"
import { AssetCode, AssetKind } from "../domain/money/Asset.ts"
import type * as Currency from "../domain/money/Currency.ts"
import * as Decimal from "../domain/money/Decimal.ts"
import { Database } from "../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"

/** Requested change of an asset. */
export interface AssetRequest {
  readonly definition: AssetDefinition
  readonly principal: string
  /** Expected current version, 0 before the asset exists; none changes any version. */
  readonly expectedVersion: Option.Option<number>
  /** Records the change in its transaction. Does not run if nothing changes. */
  readonly record?: Effect.Effect<void, SqlError.SqlError>
}

/** Principal of the changes that effex makes itself. */
const OWN_PRINCIPAL = "effex"

const MAX_VERSION = 2_147_483_647

const make = Effect.gen(function* () {
  const { execute, sql } = yield* Database

  const columns = sql.literal(
    "code, kind, name, decimals, tradable, minimum_order, provider_symbols::text, exchange_symbol, state, version, updated_at, updated_by"
  )

  const all = execute(sql`SELECT ${columns} FROM asset ORDER BY code`).pipe(
    Effect.flatMap(decodeAssets),
    Effect.withSpan("AssetRepo.all")
  )

  /** The log of changes only grows, so that its length differs after every change. */
  const revision = execute(
    sql<{ revision: string }>`SELECT count(*)::text AS revision FROM asset_change`
  ).pipe(Effect.map(([row]) => row?.revision ?? ""))

  const insertCurrencies = Effect.fn("AssetRepo.insertCurrencies")(function* (
    currencies: ReadonlyArray<Currency.Currency>
  ) {
    yield* execute(
      sql.withTransaction(
        Effect.forEach(
          currencies,
          ({ code, minorUnit, name }) =>
            Effect.andThen(
              sql`INSERT INTO reserved_code (code) VALUES (${code}) ON CONFLICT DO NOTHING`,
              sql`
                INSERT INTO asset (code, kind, name, decimals, updated_by)
                VALUES (${code}, 'currency', ${name}, ${minorUnit}, ${OWN_PRINCIPAL}) ON CONFLICT DO NOTHING`
            ),
          { discard: true }
        )
      )
    )
  })

  const write = Effect.fn("AssetRepo.write")(function* ({
    definition,
    expectedVersion,
    principal,
    record = Effect.void
  }: AssetRequest) {
    const { code } = definition
    const at = DateTime.toDateUtc(yield* DateTime.now)
    const refuse = (reason: AssetRefused["reason"]) => new AssetRefused({ code, reason })
    const minimumOrder = definition.minimumOrder === null ? null : Decimal.format(definition.minimumOrder)
    const symbols = JSON.stringify(definition.providerSymbols)

    const values = sql`
      name = ${definition.name}, decimals = ${definition.decimals}, tradable = ${definition.tradable},
      minimum_order = ${minimumOrder}::numeric, provider_symbols = ${symbols}::text::jsonb,
      exchange_symbol = ${definition.exchangeSymbol}, state = ${definition.state},
      version = version + 1, updated_at = ${at}, updated_by = ${principal}`

    const insert = Effect.gen(function* () {
      const [row] = yield* sql<{ count: number }>`
        SELECT count(*)::int AS count FROM asset WHERE kind <> 'currency'`
      if ((row?.count ?? 0) >= MAX_ASSETS) return yield* refuse("limit")
      return yield* sql`
        INSERT INTO asset (
          code, kind, name, decimals, tradable, minimum_order, provider_symbols, exchange_symbol, state,
          created_at, updated_at, updated_by
        ) VALUES (
          ${code}, ${definition.kind}, ${definition.name}, ${definition.decimals}, ${definition.tradable},
          ${minimumOrder}::numeric, ${symbols}::text::jsonb, ${definition.exchangeSymbol}, ${definition.state},
          ${at}, ${at}, ${principal}
        ) RETURNING ${columns}`
    })

    const statements = Effect.gen(function* () {
      // One change at a time, so that a new code is not inserted twice.
      yield* sql`SELECT pg_advisory_xact_lock(hashtext('effex assets'))`
      const rows = yield* sql`SELECT ${columns} FROM asset WHERE code = ${code} FOR UPDATE`
      const current = Array.head(yield* decodeAssets(rows))
      const version = Option.match(current, { onNone: () => 0, onSome: ({ version }) => version })
      const expected = Option.getOrElse(expectedVersion, () => version)
      if (expected !== version) return yield* new AssetChanged({ code, expected, version })
      if (Option.isNone(current)) return yield* Effect.flatMap(insert, decodeOne).pipe(Effect.tap(record))
      if (isSame(current.value, definition)) return current.value
      if (current.value.kind !== definition.kind) return yield* refuse("kind-fixed")
      if (current.value.decimals !== definition.decimals && (yield* isUsed(code)))
        return yield* refuse("decimals-fixed")
      const updated = yield* sql`UPDATE asset SET ${values} WHERE code = ${code} RETURNING ${columns}`
      yield* record
      return yield* decodeOne(updated)
    })
    // A refusal rolls back nothing, because it comes before the write.
    const outcome = yield* execute(
      sql.withTransaction(
        statements.pipe(
          Effect.map((asset) => Effect.succeed(asset)),
          Effect.catchTag(["AssetRefused", "AssetChanged"], (error) => Effect.succeed(Effect.fail(error)))
        )
      )
    )
    return yield* outcome
  })

  /** The trigger of the table refuses the change too, and looks at balances as well. */
  const isUsed = (code: AssetCode) =>
    sql<{ isUsed: boolean }>`
      SELECT EXISTS (SELECT FROM latest_rate WHERE source_currency = ${code} OR destination_currency = ${code})
        OR EXISTS (SELECT FROM exchange_rate WHERE source_currency = ${code} AND NOT is_leg) AS is_used`.pipe(
      Effect.map(([row]) => row?.isUsed === true)
    )

  const changes = Effect.fn("AssetRepo.changes")(function* (
    code: AssetCode,
    before: number | undefined,
    limit: number
  ) {
    const rows = yield* execute(sql`
      SELECT ${columns} FROM (
        SELECT value.* FROM asset_change, jsonb_populate_record(NULL::asset, new_value) AS value
        WHERE asset_change.code = ${code} AND asset_change.version < ${before ?? MAX_VERSION}::int
        ORDER BY asset_change.version DESC LIMIT ${limit + 1}
      ) AS change ORDER BY version DESC`)
    const versions = yield* decodeAssets(rows)
    return versions
      .slice(0, limit)
      .map((to, index): AssetChange => ({ to, from: versions[index + 1] ?? null }))
  })

  return AssetRepo.of({ all, revision, insertCurrencies, write, changes })
})

/** The catalogue of assets in PostgreSQL. A trigger records each change. */
export class AssetRepo extends Context.Service<
  AssetRepo,
  {
    /** Every asset, ordered by code. */
    readonly all: Effect.Effect<ReadonlyArray<CatalogAsset>, StoreUnavailable>
    /** A text that differs after each change. */
    readonly revision: Effect.Effect<string, StoreUnavailable>
    /** Inserts currencies that are not stored yet. */
    readonly insertCurrencies: (
      currencies: ReadonlyArray<Currency.Currency>
    ) => Effect.Effect<void, StoreUnavailable>
    /** Inserts or changes an asset, and returns it. An equal definition is no change. */
    readonly write: (
      request: AssetRequest
    ) => Effect.Effect<CatalogAsset, AssetRefused | AssetChanged | StoreUnavailable>
    /** Returns at most `limit` changes of an asset before a version, newest first. */
    readonly changes: (
      code: AssetCode,
      before: number | undefined,
      limit: number
    ) => Effect.Effect<ReadonlyArray<AssetChange>, StoreUnavailable>
  }
>()("effex/assets/AssetRepo") {
  static readonly layer = Layer.effect(AssetRepo, make)
}

const decodeRows = Schema.decodeUnknownEffect(
  Schema.Array(
    Schema.Struct({
      code: AssetCode,
      kind: AssetKind,
      name: Schema.String,
      decimals: Schema.Int,
      tradable: Schema.Boolean,
      exchangeSymbol: Schema.NullOr(Schema.String),
      state: AssetState,
      minimumOrder: Schema.NullOr(Decimal.PositiveDecimal),
      providerSymbols: Schema.fromJsonString(ProviderSymbols),
      version: Schema.Int,
      updatedAt: Schema.DateTimeUtcFromDate,
      updatedBy: Schema.String
    })
  )
)
const decodeAssets = (rows: unknown) => Effect.orDie(decodeRows(rows))
const decodeOne = (rows: unknown) =>
  Effect.flatMap(decodeAssets(rows), (assets) => Effect.orDie(Effect.fromOption(Array.head(assets))))
