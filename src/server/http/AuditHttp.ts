import { Effect, identity, Option, Schema } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { Api } from "../../api/Api.ts"
import * as Problem from "../../api/Problem.ts"
import { AuditLog } from "../../audit/AuditLog.ts"
import { AuditVerifier, verificationFields } from "../../audit/AuditVerifier.ts"
import { toReceiptHead } from "../../audit/Receipt.ts"
import { Receipts } from "../../audit/Receipts.ts"
import { AuditId, type AuditRecord } from "../../domain/conversion/AuditRecord.ts"
import * as Export from "./Export.ts"
import * as PairParams from "./PairParams.ts"
import * as Problems from "../middleware/Problems.ts"

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
          from: yield* PairParams.codeOf(query.from),
          to: yield* PairParams.codeOf(query.to),
          reference: query.reference,
          since: query.since,
          until: query.until
        }
        const format = Export.formatOf(headers.accept)
        if (format !== undefined) {
          // Asked first, since a failure cannot be told any more once the rows are on their way.
          yield* audit.page(filter, undefined, 1).pipe(Effect.catchTags(Problems.ofStore))
          return yield* Export.respond(format, RECORDS, audit.stream(filter))
        }
        const before = yield* Export.positionOf(query.cursor, idOf)
        const size = Export.sizeOf(query)
        const found = yield* audit.page(filter, before, size + 1).pipe(Effect.catchTags(Problems.ofStore))
        return Export.pageOf(found, size, identity, ({ audit_id }) => audit_id)
      }),

      record: Effect.fnUntraced(function* ({ params }) {
        const record = yield* audit.byId(params.audit_id).pipe(Effect.catchTags(Problems.ofStore))
        return Option.isSome(record) ? record.value : yield* notFound
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

const idOf = Schema.decodeEffect(AuditId)

/** The records as a file. */
const RECORDS: Export.Listing<AuditRecord> = {
  name: "conversions",
  columns: [
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
  ]
}
