import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { AuditId, QuoteId } from "../../domain/conversion/AuditRecord.ts"
import { Reference } from "../../domain/conversion/Conversion.ts"
import { RequireAuditScope, RequireConvertScope } from "../access/HttpAuthorization.ts"
import {
  AuditPage,
  AuditRecordMessage,
  ConversionMessage,
  ConvertBody,
  HeadMessage,
  QuoteBody,
  QuoteMessage,
  ReceiptMessage,
  VerificationMessage
} from "./ConversionMessage.ts"
import * as PageMessage from "../PageMessage.ts"
import * as Problem from "../Problem.ts"
import { ProblemResponses } from "../ProblemResponses.ts"
import { TimeFromText } from "../TimeFromText.ts"

const describe = (summary: string, description = "") => OpenApi.annotations({ summary, description })

const priceErrors = [
  Problem.UnsupportedCurrency,
  Problem.UnsupportedPair,
  Problem.RateTooOld,
  Problem.RateUnavailable,
  Problem.StoreUnavailable
] as const

/** Conversions and quotes. */
export class ConversionApi extends HttpApiGroup.make("conversion")
  .add(
    HttpApiEndpoint.post("convert", "/convert", {
      headers: { "idempotency-key": Schema.optionalKey(Schema.String) },
      payload: ConvertBody,
      success: ConversionMessage,
      error: [
        ...priceErrors,
        Problem.NotFound,
        Problem.IdempotencyConflict,
        Problem.IdempotencyMismatch,
        Problem.QuoteExpired,
        Problem.QuoteUsed
      ]
    }).annotateMerge(
      describe(
        "Convert an amount",
        "Answered once its audit record is committed. With `Idempotency-Key` (at most 255 characters) a repeated request gets the first answer again, marked with `Idempotency-Replayed: true`."
      )
    ),
    HttpApiEndpoint.post("createQuote", "/quotes", {
      payload: QuoteBody,
      success: QuoteMessage.pipe(HttpApiSchema.status(201)),
      error: priceErrors
    }).annotateMerge(
      describe(
        "Lock the numbers of a conversion",
        "For `ttl`: 30 seconds without it, 1 hour at most. Used once."
      )
    ),
    HttpApiEndpoint.get("quote", "/quotes/:quote_id", {
      params: { quote_id: QuoteId },
      success: QuoteMessage,
      error: [Problem.NotFound, Problem.StoreUnavailable]
    }).annotateMerge(describe("One quote, and whether it is open, used or expired"))
  )
  .prefix("/api/v1")
  .middleware(RequireConvertScope)
  .middleware(ProblemResponses)
  .annotateMerge(
    OpenApi.annotations({
      title: "Conversions and quotes",
      description: "With real providers, for keys with the scope `convert`."
    })
  ) {}

const Text = Schema.optionalKey(Schema.String)
const Time = Schema.optionalKey(TimeFromText)

/** The audit: what was converted, at which rate, and why; and the proof of it. */
export class AuditApi extends HttpApiGroup.make("audit")
  .add(
    HttpApiEndpoint.get("list", "/conversions", {
      query: {
        from: Text,
        to: Text,
        reference: Schema.optionalKey(Reference),
        since: Time,
        until: Time,
        ...PageMessage.query
      },
      headers: PageMessage.headers,
      success: [AuditPage, ...PageMessage.files],
      error: [Problem.UnsupportedCurrency, Problem.StoreUnavailable]
    }).annotateMerge(
      describe(
        "The conversions, newest first",
        "A page at a time; follow `next` to the end. With `Accept: text/csv` or `application/x-ndjson` all of them at once, streamed."
      )
    ),
    HttpApiEndpoint.get("record", "/conversions/:audit_id", {
      params: { audit_id: AuditId },
      success: AuditRecordMessage,
      error: [Problem.NotFound, Problem.StoreUnavailable]
    }).annotateMerge(describe("One conversion")),
    HttpApiEndpoint.get("receipt", "/conversions/:audit_id/receipt", {
      params: { audit_id: AuditId },
      success: ReceiptMessage,
      error: [Problem.NotFound, Problem.StoreUnavailable]
    }).annotateMerge(
      describe(
        "The proof that a conversion is in the audit",
        "Its inclusion proof (RFC 6962) and the signed head of the tree, to be verified without effex."
      )
    ),
    HttpApiEndpoint.get("heads", "/heads", {
      query: {
        after: Schema.optionalKey(PageMessage.Whole)
      },
      success: Schema.Struct({ heads: Schema.Array(HeadMessage) }),
      error: Problem.StoreUnavailable
    }).annotateMerge(
      describe("The signed heads, in order", "At most 1000 after a tree size: keep them elsewhere.")
    ),
    HttpApiEndpoint.get("verify", "/verify", {
      success: VerificationMessage,
      error: Problem.StoreUnavailable
    }).annotateMerge(describe("Compute the whole audit anew", "Names the first record that does not fit."))
  )
  .prefix("/api/v1/audit")
  .middleware(RequireAuditScope)
  .middleware(ProblemResponses)
  .annotateMerge(
    OpenApi.annotations({
      title: "Audit",
      description: "With real providers, for keys with the scope `audit:read`."
    })
  ) {}
