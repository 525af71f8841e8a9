import { Array, Context, Effect, Layer, Option, Schema, Stream } from "effect"
import type { SqlError } from "effect/sql"
import type { AuditEntry } from "../domain/conversion/AuditRecord.ts"
import type { AuditId } from "../domain/conversion/AuditId.ts"
import { Database } from "../platform/postgres/Database.ts"
import * as PgArray from "../platform/postgres/PgArray.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import type { AppendOutcome, AuditAppend, IdempotencyKey, StoredResponse } from "./AuditAppend.ts"
import * as AuditFilter from "./AuditFilter.ts"
import * as AuditRows from "./AuditRows.ts"

const STREAM_PAGE_SIZE = 500

/** Audit records in PostgreSQL: inserted, never updated. */
export class AuditRepo extends Context.Service<
  AuditRepo,
  {
    /**
     * Inserts records in one statement, marks their quotes as used and stores the responses of their idempotency keys:
     * all of it is committed, or nothing. Returns the outcomes in the order of the appends. The same key must not occur
     * twice in one call.
     */
    readonly append: (
      appends: ReadonlyArray<AuditAppend>
    ) => Effect.Effect<ReadonlyArray<AppendOutcome>, StoreUnavailable | SqlError.SqlError>
    /**
     * Inserts records like `append`, in the open transaction of the caller. `onCommit` is called with the outcomes once
     * that transaction has committed.
     */
    readonly appendWithin: (
      appends: ReadonlyArray<AuditAppend>,
      onCommit: (outcomes: ReadonlyArray<AppendOutcome>) => void
    ) => Effect.Effect<ReadonlyArray<AppendOutcome>, SqlError.SqlError>
    readonly findResponse: (
      key: IdempotencyKey
    ) => Effect.Effect<Option.Option<StoredResponse>, StoreUnavailable>
    readonly byId: (id: AuditId) => Effect.Effect<Option.Option<AuditEntry>, StoreUnavailable>
    /** At most `limit` records before an id, newest first. */
    readonly page: (
      filter: AuditFilter.AuditFilter,
      before: AuditId | undefined,
      limit: number
    ) => Effect.Effect<ReadonlyArray<AuditEntry>, StoreUnavailable>
    /** Every record, newest first, read page by page on demand. Holds no connection between pages. */
    readonly stream: (filter: AuditFilter.AuditFilter) => Stream.Stream<AuditEntry, StoreUnavailable>
  }
>()("effex/audit/AuditRepo") {
  static readonly layer = Layer.effect(
    AuditRepo,
    Effect.gen(function* () {
      const { execute, read, sql, tryExecute } = yield* Database
      const insertColumns = sql.literal(AuditRows.INSERT_COLUMNS)
      const selectColumns = sql.literal(
        `${AuditRows.SELECT_COLUMNS}, (SELECT position FROM audit_seal WHERE audit_id = record.id LIMIT 1) AS position`
      )

      const recordArrays = (appends: ReadonlyArray<AuditAppend>) =>
        AuditRows.arrays(appends.map(({ record }) => record))

      const idempotencyArrays = (appends: ReadonlyArray<AuditAppend>) => {
        const texts = (name: "route" | "key" | "requestHash" | "response") =>
          PgArray.ofTexts(appends.map(({ idempotency }) => idempotency?.[name] ?? null))
        const owners = PgArray.ofTexts(appends.map(({ idempotency }) => idempotency?.owner.join() ?? null))
        return sql`
          ${owners}::text[], ${texts("route")}::text[], ${texts("key")}::text[], ${texts("requestHash")}::text[],
          ${texts("response")}::text[]`
      }

      /** Records without a quote and without a key cannot be skipped. */
      const appendUnconditional = (appends: ReadonlyArray<AuditAppend>) => sql`
        WITH appended AS (
          INSERT INTO conversion_audit (${insertColumns})
          SELECT * FROM unnest(${recordArrays(appends)}) RETURNING id
        )
        INSERT INTO audit_unsealed (audit_id) SELECT id FROM appended`

      /** Returns the skipped appends. */
      const appendConditional = (appends: ReadonlyArray<AuditAppend>) => sql`
        WITH item AS (
          SELECT * FROM unnest(${recordArrays(appends)}, ${idempotencyArrays(appends)})
            WITH ORDINALITY AS item (${insertColumns}, owner, route, key, request_hash, answer, n)
        ), duplicate AS (
          -- LATERAL looks each key up by the index; a plan cached while the table was small would scan all of it.
          SELECT item.n, stored.request_hash, stored.answer FROM item, LATERAL (
            SELECT request_hash, answer FROM idempotency
            WHERE principal = ANY(string_to_array(item.owner, ',')) AND route = item.route AND key = item.key LIMIT 1
          ) AS stored
        ), fresh AS (
          SELECT * FROM item WHERE n NOT IN (SELECT n FROM duplicate)
        ), used AS (
          UPDATE quote SET used_by = fresh.id FROM fresh
          WHERE quote.id = fresh.quote_id AND quote.used_by IS NULL AND quote.expires_at > fresh.converted_at
          RETURNING quote.used_by
        ), ready AS (
          SELECT * FROM fresh WHERE quote_id IS NULL OR id IN (SELECT used_by FROM used)
        ), appended AS (
          INSERT INTO conversion_audit (${insertColumns}) SELECT ${insertColumns} FROM ready RETURNING id
        ), unsealed AS (
          INSERT INTO audit_unsealed (audit_id) SELECT id FROM appended
        ), stored AS (
          INSERT INTO idempotency (principal, route, key, request_hash, answer, created_at)
          SELECT split_part(owner, ',', 1), route, key, request_hash, answer, converted_at FROM ready WHERE key IS NOT NULL
        )
        SELECT (n - 1)::int AS index, duplicate.request_hash, duplicate.answer AS response
        FROM item LEFT JOIN duplicate USING (n) WHERE id NOT IN (SELECT id FROM appended)`

      const insert = (appends: ReadonlyArray<AuditAppend>) =>
        appends.every(isUnconditional) ? appendUnconditional(appends) : appendConditional(appends)

      const outcomesOf = Effect.fnUntraced(function* (appends: ReadonlyArray<AuditAppend>, rows: unknown) {
        const outcomes = appends.map((): AppendOutcome => committed)
        for (const { index, requestHash, response } of yield* Effect.orDie(decodeSkipped(rows))) {
          outcomes[index] =
            response !== null && requestHash !== null
              ? { _tag: "DuplicateKey", response, requestHash }
              : { _tag: "QuoteUnavailable" }
        }
        return outcomes
      })

      const insertAll = Effect.fnUntraced(function* (appends: ReadonlyArray<AuditAppend>) {
        return yield* outcomesOf(appends, yield* insert(appends))
      })

      const append = Effect.fn("AuditRepo.append")((appends: ReadonlyArray<AuditAppend>) =>
        tryExecute(insertAll(appends))
      )

      const appendWithin: AuditRepo["Service"]["appendWithin"] = Effect.fn("AuditRepo.appendWithin")(
        function* (appends, onCommit) {
          const outcomes = yield* insertAll(appends)
          yield* sql.afterCommit(Effect.sync(() => onCommit(outcomes)))
          return outcomes
        }
      )

      const findResponse = Effect.fn("AuditRepo.findResponse")(function* ({
        key,
        owner,
        route
      }: IdempotencyKey) {
        const rows = yield* execute(sql<StoredResponse>`
          SELECT request_hash, answer AS response FROM idempotency
          WHERE principal = ANY(string_to_array(${owner.join()}, ',')) AND route = ${route} AND key = ${key}
          LIMIT 1`)
        return Array.head(rows)
      })

      const byId = Effect.fn("AuditRepo.byId")(function* (id: AuditId) {
        const rows = yield* execute(
          sql<EntryRow>`SELECT ${selectColumns} FROM conversion_audit AS record WHERE id = ${id}`
            .withoutTransform
        )
        return Option.map(Array.head(rows), AuditRows.toEntry)
      })

      const page = Effect.fn("AuditRepo.page")(function* (
        filter: AuditFilter.AuditFilter,
        before: AuditId | undefined,
        limit: number
      ) {
        const where = sql.and([
          ...AuditFilter.conditions(sql, filter),
          ...(before === undefined ? [] : [sql`id < ${before}`])
        ])
        const rows = yield* read(
          sql<EntryRow>`
            SELECT ${selectColumns} FROM conversion_audit AS record WHERE ${where} ORDER BY id DESC LIMIT ${limit}`
            .withoutTransform
        )
        return rows.map(AuditRows.toEntry)
      })

      // Pages instead of a database cursor, which would occupy a pooled connection for as long as a slow reader takes.
      const stream = (filter: AuditFilter.AuditFilter) =>
        Stream.paginate<AuditId | undefined, AuditEntry, StoreUnavailable>(undefined, (before) =>
          Effect.map(page(filter, before, STREAM_PAGE_SIZE), (records) => [
            records,
            records.length < STREAM_PAGE_SIZE
              ? Option.none()
              : Option.map(Array.last(records), ({ audit_id }) => audit_id)
          ])
        )

      return AuditRepo.of({ append, appendWithin, findResponse, byId, page, stream })
    })
  )
}

type EntryRow = AuditRows.AuditRow & { readonly position: bigint | null }

const committed: AppendOutcome = { _tag: "Committed" }

const isUnconditional = ({ idempotency, record }: AuditAppend) =>
  idempotency === undefined && record.quote_id === null

/** An append that the statement skipped. Both texts are null where its quote was unavailable. */
const Skipped = Schema.Struct({
  index: Schema.Int,
  requestHash: Schema.NullOr(Schema.String),
  response: Schema.NullOr(Schema.String)
})
const decodeSkipped = Schema.decodeUnknownEffect(Schema.Array(Skipped))
