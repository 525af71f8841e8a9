import { Effect, identity, Option, Schema, type Stream } from "effect"
import { HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { Api } from "../../api/Api.ts"
import * as PageMessage from "../../api/PageMessage.ts"
import * as Problem from "../../api/Problem.ts"
import { AuditFeed, type PositionNotFound } from "../../audit/AuditFeed.ts"
import { type AuditFilter, isEmpty } from "../../audit/AuditFilter.ts"
import { AuditLog } from "../../audit/AuditLog.ts"
import { AuditVerifier } from "../../audit/AuditVerifier.ts"
import { toReceiptHead } from "../../audit/Receipt.ts"
import { Receipts } from "../../audit/Receipts.ts"
import * as Verification from "../../audit/Verification.ts"
import type { AuditEntry } from "../../domain/conversion/AuditRecord.ts"
import { AuditId } from "../../domain/conversion/AuditId.ts"
import * as AuditEncoding from "../encoding/AuditEncoding.ts"
import * as Export from "../encoding/Export.ts"
import * as Pagination from "../encoding/Pagination.ts"
import * as PairParams from "./PairParams.ts"
import * as Problems from "../middleware/Problems.ts"

const MAX_HEADS_PER_RESPONSE = 1000

/** Handlers of the audit endpoints. */
export const layer = HttpApiBuilder.group(
  Api,
  "audit",
  Effect.fn(function* (handlers) {
    const audit = yield* AuditLog
    const verifier = yield* AuditVerifier
    const receipts = yield* Receipts
    const feed = yield* AuditFeed

    /** The sealed records after a position, as a page or as a file. */
    const sealedAfter = Effect.fnUntraced(function* (
      filter: AuditFilter,
      after: number,
      size: number,
      format: Export.Format | undefined
    ) {
      const { entries, hasMore, position } = yield* feed
        .pageAfter(filter, after, format === undefined ? size : 1)
        .pipe(Effect.catchTags({ ...Problems.storeErrors, PositionNotFound: positionNotFound }))
      if (format !== undefined)
        return yield* exportAs(format, feed.streamAfter(filter, after), isEmpty(filter))
      const next = hasMore ? Pagination.encodeCursor(String(position)) : null
      return { data: entries, has_more: hasMore, next, position }
    })

    return handlers.handleAll({
      list: Effect.fnUntraced(function* ({ headers, query }) {
        const filter = {
          from: yield* PairParams.parseCurrency(query.from),
          to: yield* PairParams.parseCurrency(query.to),
          reference: query.reference,
          since: query.since,
          until: query.until
        }
        const format = yield* Export.negotiate(headers.accept)
        if (query.after !== undefined) {
          const after = (yield* Pagination.decodeCursor(query.cursor, decodePosition)) ?? query.after
          return yield* sealedAfter(filter, after, Pagination.sizeOf(query), format)
        }
        if (format !== undefined) {
          // Once rows are sent, a failure can no longer become a 503: check the database first.
          yield* audit.page(filter, undefined, 1).pipe(Effect.catchTags(Problems.storeErrors))
          return yield* exportAs(format, audit.stream(filter), false)
        }
        const before = yield* Pagination.decodeCursor(query.cursor, decodeId)
        const size = Pagination.sizeOf(query)
        const records = yield* audit
          .page(filter, before, size + 1)
          .pipe(Effect.catchTags(Problems.storeErrors))
        return Pagination.pageOf(records, size, identity, ({ audit_id }) => audit_id)
      }),

      record: Effect.fnUntraced(function* ({ params }) {
        const record = yield* audit.byId(params.audit_id).pipe(Effect.catchTags(Problems.storeErrors))
        return Option.isSome(record) ? record.value : yield* notFound
      }),

      receipt: Effect.fnUntraced(function* ({ params }) {
        return yield* findReceipt(receipts, params.audit_id)
      }),

      heads: Effect.fnUntraced(function* ({ query }) {
        const heads = yield* receipts
          .headsAfter(query.after ?? 0, MAX_HEADS_PER_RESPONSE)
          .pipe(Effect.catchTags(Problems.storeErrors))
        return { heads: heads.map(toReceiptHead) }
      }),

      verify: () =>
        verifier.verify.pipe(Effect.map(Verification.toMessage), Effect.catchTags(Problems.storeErrors))
    })
  })
)

/** Returns the receipt of a conversion. */
export const findReceipt = Effect.fnUntraced(function* (receipts: Receipts["Service"], id: AuditId) {
  const receipt = yield* receipts.find(id).pipe(Effect.catchTags(Problems.storeErrors))
  if (Option.isNone(receipt)) return yield* notFound
  if (receipt.value === "unsealed") {
    return yield* new Problem.StoreUnavailable({ detail: "The conversion is not sealed yet; retry later" })
  }
  return receipt.value
})

export const notFound = Effect.fail(new Problem.NotFound({ detail: "No conversion has this id" }))

const positionNotFound = ({ message }: PositionNotFound) =>
  Effect.fail(Problems.invalid("/query/after", message))

const decodeId = Schema.decodeEffect(AuditId)
const decodePosition = Schema.decodeEffect(PageMessage.WholeNumber)

/**
 * Exports records. A header says whether the file can be verified: it must have all records in sealed order, and in their
 * original text. A CSV file disarms formulas and has no null, so its records cannot be hashed.
 */
const exportAs = Effect.fnUntraced(function* <E>(
  format: Export.Format,
  entries: Stream.Stream<AuditEntry, E>,
  isCompleteInOrder: boolean
) {
  const response = yield* Export.respond(format, AuditEncoding.LAYOUT, entries)
  const isProvable = format === "ndjson" && isCompleteInOrder
  return HttpServerResponse.setHeader(response, "x-audit-provable", String(isProvable))
})
