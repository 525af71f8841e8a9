import { Array, Context, DateTime, Effect, Layer, Option, Schema, Stream } from "effect"
import type { SqlError, Statement } from "effect/sql"
import type { AuditId, AuditRecord } from "../domain/conversion/AuditRecord.ts"
import type { CurrencyCode } from "../domain/money/Currency.ts"
import { Database, type StoreUnavailable } from "../platform/postgres/Database.ts"
import * as PgArray from "../platform/postgres/PgArray.ts"
import * as ConversionRows from "../conversion/ConversionRows.ts"

/** How many records a stream reads at a time. */
const STREAM_PAGE = 500

/** Under which key of whom an answer is remembered. */
export interface IdempotencyKey {
  readonly principal: string
  readonly route: string
  readonly key: string
}

/** A conversion on its way into the audit. */
export interface Append {
  readonly record: AuditRecord
  /** The answer to remember under the key, and the request that it answers. */
  readonly idempotency:
    | (IdempotencyKey & { readonly requestHash: string; readonly answer: string })
    | undefined
}

/** An answer that was given before. */
export interface RememberedAnswer {
  readonly requestHash: string
  readonly answer: string
}

/** What became of an append. */
export type Appended =
  | { readonly _tag: "Committed" }
  /** The key was used before; nothing was appended. */
  | ({ readonly _tag: "Known" } & RememberedAnswer)
  /** The quote was used or has expired; nothing was appended. */
  | { readonly _tag: "QuoteLost" }

/** Which records to list. */
export interface AuditFilter {
  readonly from?: CurrencyCode | undefined
  readonly to?: CurrencyCode | undefined
  readonly reference?: string | undefined
  readonly since?: DateTime.Utc | undefined
  readonly until?: DateTime.Utc | undefined
}

/** Conversions in Postgres: inserted, never updated. */
export class AuditRepo extends Context.Service<
  AuditRepo,
  {
    /**
     * Appends records in one statement, with the use of their quotes and the answers under their keys: all of it is
     * committed, or nothing. Returns what became of each, in their order. Two of the same key must not be in one call.
     */
    readonly append: (
      appends: ReadonlyArray<Append>
    ) => Effect.Effect<ReadonlyArray<Appended>, StoreUnavailable | SqlError.SqlError>
    readonly answerOf: (
      key: IdempotencyKey
    ) => Effect.Effect<Option.Option<RememberedAnswer>, StoreUnavailable>
    readonly byId: (id: AuditId) => Effect.Effect<Option.Option<AuditRecord>, StoreUnavailable>
    /** At most `limit` records before an id, newest first. */
    readonly page: (
      filter: AuditFilter,
      before: AuditId | undefined,
      limit: number
    ) => Effect.Effect<ReadonlyArray<AuditRecord>, StoreUnavailable>
    /** Every record, newest first, read as it is taken; nothing of the database is held in between. */
    readonly stream: (filter: AuditFilter) => Stream.Stream<AuditRecord, StoreUnavailable>
  }
>()("effex/audit/AuditRepo") {
  static readonly layer = Layer.effect(
    AuditRepo,
    Effect.suspend(() => make)
  )
}

const committed: Appended = { _tag: "Committed" }

const isPlain = ({ idempotency, record }: Append) => idempotency === undefined && record.quote_id === null

/** Fields that may say anything. */
type Words = "provider" | "reference" | "principal"

/** What was not appended, as the statement tells it. */
const Refused = Schema.Struct({
  index: Schema.Int,
  requestHash: Schema.NullOr(Schema.String),
  answer: Schema.NullOr(Schema.String)
})
const decodeRefused = Schema.decodeUnknownEffect(Schema.Array(Refused))

const make = Effect.gen(function* () {
  const { attempt, sql, within } = yield* Database
  const columns = sql.literal(ConversionRows.AUDIT_COLUMNS)

  /** The columns of records, as arrays: a statement is the same for any number of them. */
  const recordsOf = (appends: ReadonlyArray<Append>) => {
    const told = (name: Exclude<keyof AuditRecord, Words>) =>
      PgArray.of(appends.map(({ record }) => record[name]))
    const words = (name: Words) => PgArray.ofTexts(appends.map(({ record }) => record[name]))
    return sql`
      ${told("audit_id")}::uuid[], ${told("from_currency")}::text[], ${told("to_currency")}::text[],
      ${told("amount_type")}::text[], ${told("input_amount")}::numeric[], ${told("output_amount")}::numeric[],
      ${told("mid_rate")}::numeric[], ${told("margin")}::numeric[], ${told("rate")}::numeric[],
      ${told("exact_output")}::numeric[], ${told("residual")}::numeric[], ${told("rate_id")}::uuid[],
      ${words("provider")}::text[], ${told("rate_fetched_at")}::timestamptz[], ${told("stale")}::boolean[],
      ${words("reference")}::text[], ${words("principal")}::text[], ${told("quote_id")}::uuid[],
      ${told("converted_at")}::timestamptz[]`
  }

  /** The keys that they are remembered under, and the answers. */
  const keysOf = (appends: ReadonlyArray<Append>) => {
    const kept = (name: "route" | "key" | "requestHash" | "answer") =>
      PgArray.ofTexts(appends.map(({ idempotency }) => idempotency?.[name] ?? null))
    return sql`
      ${kept("route")}::text[], ${kept("key")}::text[], ${kept("requestHash")}::text[], ${kept("answer")}::text[]`
  }

  /** Of records that have neither a quote nor a key, nothing can stand in the way. */
  const appendPlain = (appends: ReadonlyArray<Append>) => sql`
    WITH appended AS (
      INSERT INTO conversion_audit (${columns})
      SELECT * FROM unnest(${recordsOf(appends)}) RETURNING id
    )
    INSERT INTO audit_unsealed (audit_id) SELECT id FROM appended`

  /** Tells what was not appended. */
  const appendChecked = (appends: ReadonlyArray<Append>) => sql`
    WITH item AS (
      SELECT * FROM unnest(${recordsOf(appends)}, ${keysOf(appends)})
        WITH ORDINALITY AS item (${columns}, route, key, request_hash, answer, n)
    ), known AS (
      -- Each by its key: a plan that was made while the table was small would read all of it.
      SELECT item.n, remembered.request_hash, remembered.answer FROM item, LATERAL (
        SELECT request_hash, answer FROM idempotency
        WHERE principal = item.principal AND route = item.route AND key = item.key LIMIT 1
      ) AS remembered
    ), fresh AS (
      SELECT * FROM item WHERE n NOT IN (SELECT n FROM known)
    ), used AS (
      UPDATE quote SET used_by = fresh.id FROM fresh
      WHERE quote.id = fresh.quote_id AND quote.used_by IS NULL AND quote.expires_at > fresh.converted_at
      RETURNING quote.used_by
    ), ready AS (
      SELECT * FROM fresh WHERE quote_id IS NULL OR id IN (SELECT used_by FROM used)
    ), appended AS (
      INSERT INTO conversion_audit (${columns}) SELECT ${columns} FROM ready RETURNING id
    ), unsealed AS (
      INSERT INTO audit_unsealed (audit_id) SELECT id FROM appended
    ), remembered AS (
      INSERT INTO idempotency (principal, route, key, request_hash, answer, created_at)
      SELECT principal, route, key, request_hash, answer, converted_at FROM ready WHERE key IS NOT NULL
    )
    SELECT (n - 1)::int AS index, known.request_hash, known.answer
    FROM item LEFT JOIN known USING (n) WHERE id NOT IN (SELECT id FROM appended)`

  const append = Effect.fn("AuditRepo.append")(function* (appends: ReadonlyArray<Append>) {
    const rows = yield* attempt(appends.every(isPlain) ? appendPlain(appends) : appendChecked(appends))
    const outcomes = appends.map((): Appended => committed)
    for (const { answer, index, requestHash } of yield* Effect.orDie(decodeRefused(rows))) {
      outcomes[index] =
        answer !== null && requestHash !== null
          ? { _tag: "Known", answer, requestHash }
          : { _tag: "QuoteLost" }
    }
    return outcomes
  })

  const answerOf = Effect.fn("AuditRepo.answerOf")(function* ({ key, principal, route }: IdempotencyKey) {
    const rows = yield* within(sql<RememberedAnswer>`
      SELECT request_hash, answer FROM idempotency
      WHERE principal = ${principal} AND route = ${route} AND key = ${key}`)
    return Array.head(rows)
  })

  const byId = Effect.fn("AuditRepo.byId")(function* (id: AuditId) {
    const rows = yield* within(
      sql<ConversionRows.AuditRow>`SELECT ${columns} FROM conversion_audit WHERE id = ${id}`
    )
    return Option.map(Array.head(rows), ConversionRows.toRecord)
  })

  const where = (filter: AuditFilter, before?: AuditId): Statement.Fragment =>
    sql.and([
      ...(filter.from === undefined ? [] : [sql`source_currency = ${filter.from}`]),
      ...(filter.to === undefined ? [] : [sql`destination_currency = ${filter.to}`]),
      ...(filter.reference === undefined ? [] : [sql`reference = ${filter.reference}`]),
      ...(filter.since === undefined ? [] : [sql`converted_at >= ${DateTime.toDateUtc(filter.since)}`]),
      ...(filter.until === undefined ? [] : [sql`converted_at < ${DateTime.toDateUtc(filter.until)}`]),
      ...(before === undefined ? [] : [sql`id < ${before}`])
    ])

  const page = Effect.fn("AuditRepo.page")(function* (
    filter: AuditFilter,
    before: AuditId | undefined,
    limit: number
  ) {
    const rows = yield* within(sql<ConversionRows.AuditRow>`
      SELECT ${columns} FROM conversion_audit WHERE ${where(filter, before)} ORDER BY id DESC LIMIT ${limit}`)
    return rows.map(ConversionRows.toRecord)
  })

  // By pages and not by a cursor, which would keep a connection of the pool for as long as a slow reader likes.
  const stream = (filter: AuditFilter) =>
    Stream.paginate<AuditId | undefined, AuditRecord, StoreUnavailable>(undefined, (before) =>
      Effect.map(page(filter, before, STREAM_PAGE), (records) => [
        records,
        records.length < STREAM_PAGE
          ? Option.none()
          : Option.map(Array.last(records), ({ audit_id }) => audit_id)
      ])
    )

  return AuditRepo.of({ append, answerOf, byId, page, stream })
})
