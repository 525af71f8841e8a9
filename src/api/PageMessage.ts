import { Schema } from "effect"
import { HttpApiSchema } from "effect/http-api"

/** A whole number in a query. Accepts digits only, because a blank would be parsed as 0. */
export const WholeNumber = Schema.String.check(
  Schema.isPattern(/^\d{1,15}$/, { message: "Expected a whole number" })
).pipe(Schema.decodeTo(Schema.FiniteFromString))

/** Pagination parameters of a list endpoint. */
export const query = {
  cursor: Schema.optionalKey(Schema.String),
  page_size: Schema.optionalKey(WholeNumber.check(Schema.isBetween({ minimum: 1, maximum: 1000 })))
}

/** Content negotiation of a list endpoint: JSON pages, or a complete file. */
export const headers = { accept: Schema.optionalKey(Schema.String) }

/** Fields of a page. */
export const page = <S extends Schema.Constraint>(row: S) => ({
  data: Schema.Array(row),
  has_more: Schema.Boolean,
  /** Cursor of the next page. Null on the last page. */
  next: Schema.NullOr(Schema.String)
})

/** Complete exports of a list, selected with `Accept`. */
export const files = [
  Schema.String.annotate({ description: "A header line, then one line per row" }).pipe(
    HttpApiSchema.asText({ contentType: "text/csv" })
  ),
  Schema.String.annotate({ description: "One JSON object per line" }).pipe(
    HttpApiSchema.asText({ contentType: "application/x-ndjson" })
  )
] as const
