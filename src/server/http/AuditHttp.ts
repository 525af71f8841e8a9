import { Effect, identity, Option, Schema } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { Api } from "../../api/Api.ts"
import * as Problem from "../../api/Problem.ts"
import { AuditLog } from "../../audit/AuditLog.ts"
import { AuditVerifier, toVerificationMessage } from "../../audit/AuditVerifier.ts"
import { toReceiptHead } from "../../audit/Receipt.ts"
import { Receipts } from "../../audit/Receipts.ts"
import { allFieldsInOrder, AuditId, type AuditRecord } from "../../domain/conversion/AuditRecord.ts"
import * as Export from "./Export.ts"
import * as Pagination from "./Pagination.ts"
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

    return handlers.handleAll({
      list: Effect.fnUntraced(function* ({ headers, query }) {
        const filter = {
          from: yield* PairParams.parseCode(query.from),
          to: yield* PairParams.parseCode(query.to),
          reference: query.reference,
          since: query.since,
          until: query.until
        }
        const format = Export.formatOf(headers.accept)
        if (format !== undefined) {
          // Once rows are sent, a failure can no longer become a 503: check the database first.
          yield* audit.page(filter, undefined, 1).pipe(Effect.catchTags(Problems.storeErrors))
          return yield* Export.respond(format, FILE_LAYOUT, audit.stream(filter))
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
        const receipt = yield* receipts.find(params.audit_id).pipe(Effect.catchTags(Problems.storeErrors))
        if (Option.isNone(receipt)) return yield* notFound
        if (receipt.value === "unsealed") {
          return yield* new Problem.StoreUnavailable({
            detail: "The conversion is not sealed yet; retry later"
          })
        }
        return receipt.value
      }),

      heads: Effect.fnUntraced(function* ({ query }) {
        const heads = yield* receipts
          .headsAfter(query.after ?? 0, MAX_HEADS_PER_RESPONSE)
          .pipe(Effect.catchTags(Problems.storeErrors))
        return { heads: heads.map(toReceiptHead) }
      }),

      verify: () =>
        verifier.verify.pipe(Effect.map(toVerificationMessage), Effect.catchTags(Problems.storeErrors))
    })
  })
)

const notFound = Effect.fail(new Problem.NotFound({ detail: "No conversion has this id" }))

const decodeId = Schema.decodeEffect(AuditId)

const FILE_LAYOUT: Export.Layout<AuditRecord> = {
  name: "conversions",
  columns: allFieldsInOrder([
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
  ])
}
