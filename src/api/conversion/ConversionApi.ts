import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { AuditId } from "../../domain/conversion/AuditId.ts"
import { QuoteId } from "../../domain/conversion/Quote.ts"
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

/** Problems of a request that is priced. */
export const priceErrors = [
  Problem.UnsupportedCurrency,
  Problem.UnsupportedPair,
  Problem.ClockSkewed,
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
        "Responds once the audit record is committed. A retry with the same `Idempotency-Key` (at most 255 characters) returns the first response, with `Idempotency-Replayed: true`."
      )
    ),
    HttpApiEndpoint.post("createQuote", "/quotes", {
      payload: QuoteBody,
      success: QuoteMessage.pipe(HttpApiSchema.status(201)),
      error: priceErrors
    }).annotateMerge(
      describe(
        "Create a quote",
        "Locks the price of a conversion for `ttl`: 30 seconds by default, at most 1 hour. One conversion can use it."
      )
    ),
    HttpApiEndpoint.get("quote", "/quotes/:quote_id", {
      params: { quote_id: QuoteId },
      success: QuoteMessage,
      error: [Problem.NotFound, Problem.StoreUnavailable]
    }).annotateMerge(describe("Get a quote and its state: open, used or expired"))
  )
  .prefix("/api/v1")
  .middleware(RequireConvertScope)
  .middleware(ProblemResponses)
  .annotateMerge(
    OpenApi.annotations({
      title: "Conversions and quotes",
      description:
        "Requires an API key with the scope `convert`, except in the sandbox and with ALLOW_ANONYMOUS_CONVERT."
    })
  ) {}

const OptionalText = Schema.optionalKey(Schema.String)
const OptionalTime = Schema.optionalKey(TimeFromText)

/** Audit records of all conversions, and proofs that they were not changed. */
export class AuditApi extends HttpApiGroup.make("audit")
  .add(
    HttpApiEndpoint.get("list", "/conversions", {
      query: {
        from: OptionalText,
        to: OptionalText,
        reference: Schema.optionalKey(Reference),
        since: OptionalTime,
        until: OptionalTime,
        after: Schema.optionalKey(PageMessage.WholeNumber),
        ...PageMessage.query
      },
      headers: PageMessage.headers,
      success: [AuditPage, ...PageMessage.files],
      error: [Problem.UnsupportedCurrency, Problem.StoreUnavailable, Problem.Overloaded]
    }).annotateMerge(
      describe(
        "List conversions, newest first",
        "Returns one page; `next` is the cursor of the next page. `Accept: text/csv` or `application/x-ndjson` streams all of them. With `after`, returns the sealed records after that position instead, oldest first: pass the `position` of the page as the next `after` to follow the audit without missing a record. Records are sealed about a second after they are committed."
      )
    ),
    HttpApiEndpoint.get("record", "/conversions/:audit_id", {
      params: { audit_id: AuditId },
      success: AuditRecordMessage,
      error: [Problem.NotFound, Problem.StoreUnavailable]
    }).annotateMerge(describe("Get a conversion")),
    HttpApiEndpoint.get("receipt", "/conversions/:audit_id/receipt", {
      params: { audit_id: AuditId },
      success: ReceiptMessage,
      error: [Problem.NotFound, Problem.StoreUnavailable]
    }).annotateMerge(
      describe(
        "Get the proof that a conversion is in the audit",
        "Returns the inclusion proof (RFC 6962) and the signed tree head, which anyone can verify without effex."
      )
    ),
    HttpApiEndpoint.get("heads", "/heads", {
      query: {
        after: Schema.optionalKey(PageMessage.WholeNumber)
      },
      success: Schema.Struct({ heads: Schema.Array(HeadMessage) }),
      error: Problem.StoreUnavailable
    }).annotateMerge(
      describe(
        "List the signed heads, in order",
        "Returns at most 1000 heads after a tree size. Copies that are kept elsewhere prove that the audit was not rewritten."
      )
    ),
    HttpApiEndpoint.get("verify", "/verify", {
      success: VerificationMessage,
      error: [Problem.StoreUnavailable, Problem.Overloaded]
    }).annotateMerge(
      describe("Verify the whole audit", "Recomputes all hashes and reports the first record that is wrong.")
    )
  )
  .prefix("/api/v1/audit")
  .middleware(RequireAuditScope)
  .middleware(ProblemResponses)
  .annotateMerge(
    OpenApi.annotations({
      title: "Audit",
      description:
        "Requires an API key with the scope `audit:read`, except in the sandbox and with ALLOW_ANONYMOUS_CONVERT."
    })
  ) {}
