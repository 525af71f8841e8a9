import { Effect, Option, Schema, Stream } from "effect"
import { Csv } from "effect/encoding"
import { HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { Api } from "../api/Api.ts"
import * as Problem from "../api/Problem.ts"
import { AuditLog } from "../conversion/AuditLog.ts"
import { AuditVerifier, verificationFields } from "../conversion/AuditVerifier.ts"
import { toReceiptHead } from "../conversion/Receipt.ts"
import { Receipts } from "../conversion/Receipts.ts"
import { AuditId, type AuditRecord, type RecordFields, recordFields } from "../domain/AuditRecord.ts"
import * as Currency from "../domain/Currency.ts"
import * as Problems from "./Problems.ts"

const DEFAULT_PAGE_SIZE = 50
const MAX_HEADS = 1000

/** The audit of the API. */
export const layer = HttpApiBuilder.group(
  Api,
  "audit",
  Effect.fn(function* (handlers) {
    const audit = yield* AuditLog
    const verifier = yield* AuditVerifier
    const receipts = yield* Receipts

    return handlers.handleAll({
      list: Effect.fnUntraced(function* ({ headers, query }) {
        const filter = {
          from: yield* codeOf(query.from),
          to: yield* codeOf(query.to),
          reference: query.reference,
          since: query.since,
          until: query.until
        }
        const format = formatOf(headers.accept)
        if (format !== undefined) {
          // Asked first, since a failure cannot be told any more once the rows are on their way.
          yield* audit.page(filter, undefined, 1).pipe(Effect.catchTags(Problems.ofStore))
          return exportAs[format](audit.stream(filter))
        }
        const before = yield* idOf(query.cursor)
        const size = query.page_size ?? DEFAULT_PAGE_SIZE
        const found = yield* audit.page(filter, before, size + 1).pipe(Effect.catchTags(Problems.ofStore))
        const data = found.slice(0, size)
        const has_more = found.length > size
        const last = data.at(-1)
        const next = has_more && last !== undefined ? cursorOf(last.id) : null
        return { data: data.map(recordFields), has_more, next }
      }),

      record: Effect.fnUntraced(function* ({ params }) {
        const record = yield* audit.byId(params.audit_id).pipe(Effect.catchTags(Problems.ofStore))
        return Option.isSome(record) ? recordFields(record.value) : yield* notFound
      }),

      receipt: Effect.fnUntraced(function* ({ params }) {
        const receipt = yield* receipts.of(params.audit_id).pipe(Effect.catchTags(Problems.ofStore))
        if (Option.isNone(receipt)) return yield* notFound
        if (receipt.value === "not-yet") {
          return yield* new Problem.StoreUnavailable({
            detail: "The conversion is still being sealed: ask again"
          })
        }
        return receipt.value
      }),

      heads: Effect.fnUntraced(function* ({ query }) {
        const heads = yield* receipts
          .headsAfter(query.after ?? 0, MAX_HEADS)
          .pipe(Effect.catchTags(Problems.ofStore))
        return { heads: heads.map(toReceiptHead) }
      }),

      verify: () => verifier.verify.pipe(Effect.map(verificationFields), Effect.catchTags(Problems.ofStore))
    })
  })
)

const notFound = Effect.fail(new Problem.NotFound({ detail: "No conversion has that id" }))

const codeOf = (text: string | undefined) => {
  if (text === undefined) return Effect.undefined
  const found = Currency.find(text)
  return Option.isSome(found)
    ? Effect.succeed(found.value.code)
    : Effect.fail(
        new Problem.UnsupportedCurrency({
          detail: `${JSON.stringify(text.slice(0, 8))} is no currency of ISO 4217`
        })
      )
}

/** Where a page ends, in words that only the next page understands. */
const cursorOf = (id: AuditId) => Buffer.from(id, "utf8").toString("base64url")

const idOf = (cursor: string | undefined) => {
  if (cursor === undefined) return Effect.undefined
  return Schema.decodeEffect(AuditId)(Buffer.from(cursor.slice(0, 100), "base64url").toString("utf8")).pipe(
    Effect.mapError(() => Problems.invalid("/query/cursor", "must be the next of a page before"))
  )
}

const formatOf = (accept: string | undefined): keyof typeof exportAs | undefined => {
  if (accept?.includes("text/csv")) return "csv"
  return accept?.includes("application/x-ndjson") ? "ndjson" : undefined
}

type Rows<E> = Stream.Stream<AuditRecord, E>

const exportAs = {
  ndjson: <E>(rows: Rows<E>) =>
    HttpServerResponse.stream(
      rows.pipe(
        Stream.map((record) => `${JSON.stringify(recordFields(record))}\n`),
        Stream.encodeText
      ),
      { contentType: "application/x-ndjson" }
    ),
  csv: <E>(rows: Rows<E>) =>
    HttpServerResponse.stream(
      rows.pipe(
        Stream.map((record) =>
          Object.fromEntries(
            Object.entries(recordFields(record)).map(([name, value]) => [name, cellOf(value)])
          )
        ),
        Stream.pipeThroughChannel(Csv.encodeString({ columns: CSV_COLUMNS, headers: true })),
        Stream.encodeText
      ),
      {
        contentType: "text/csv; charset=utf-8",
        headers: { "content-disposition": 'attachment; filename="conversions.csv"' }
      }
    )
}

const CSV_COLUMNS = [
  "audit_id",
  "converted_at",
  "from_currency",
  "to_currency",
  "amount_type",
  "input_amount",
  "output_amount",
  "exact_output",
  "residual",
  "mid_rate",
  "margin",
  "rate",
  "rate_id",
  "provider",
  "rate_fetched_at",
  "stale",
  "quote_id",
  "reference",
  "principal"
] satisfies ReadonlyArray<keyof RecordFields>

/** A cell that a spreadsheet takes for text, whatever a customer wrote: what begins like a formula gets a quote before it. */
const cellOf = (value: string | boolean | null) => {
  const text = value === null ? "" : String(value)
  return /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
}
