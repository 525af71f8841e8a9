import { Schema } from "effect"
import { HttpApiSchema } from "effect/http-api"

/** Digits alone: a blank would be read as 0. */
export const Whole = Schema.String.check(
  Schema.isPattern(/^\d{1,15}$/, { message: "Expected a whole number" })
).pipe(Schema.decodeTo(Schema.FiniteFromString))

/** What asks for one page of a list. */
export const query = {
  cursor: Schema.optionalKey(Schema.String),
  page_size: Schema.optionalKey(Whole.check(Schema.isBetween({ minimum: 1, maximum: 1000 })))
}

/** What says in which form a list is wanted. */
export const headers = { accept: Schema.optionalKey(Schema.String) }

/** One page of a list. */
export const page = <S extends Schema.Constraint>(row: S) => ({
  data: Schema.Array(row),
  has_more: Schema.Boolean,
  /** The cursor of the next page; null at the end. */
  next: Schema.NullOr(Schema.String)
})

/** A whole list as a file, for whoever asks for one by `Accept`. */
export const files = [
  Schema.String.annotate({ description: "A line of names, and a line for each row" }).pipe(
    HttpApiSchema.asText({ contentType: "text/csv" })
  ),
  Schema.String.annotate({ description: "A JSON object on each line" }).pipe(
    HttpApiSchema.asText({ contentType: "application/x-ndjson" })
  )
] as const
