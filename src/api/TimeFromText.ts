import { Schema, SchemaGetter } from "effect"

/** Returns true if the date exists. `Date` accepts February 30 as March 2. */
const isCalendarDate = (text: string) => {
  const day = text.slice(0, 10)
  const midnight = new Date(day)
  return !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(day)
}

const message =
  "Expected an ISO 8601 time such as 2026-11-21T03:27:17.086Z; in a query, write the + of an offset as %2B"

/** A `+` in a query is a space after decoding. No other time has a space before its offset. */
const SPACE_BEFORE_OFFSET = /(?<=T\S+) (?=\d\d:?\d\d$)/

/**
 * A time. The `+` of an offset may arrive as a space, because many clients do not encode it in a query. Accepts years
 * 1000 to 2999 only, because PostgreSQL cannot store every time that a `Date` can.
 */
export const TimeFromText = Schema.String.annotate({ format: "date-time" })
  .check(
    Schema.isPattern(/^[12]\d{3}-\d\d-\d\d(T.{1,30})?$/, { message }),
    Schema.makeFilter((text: string) => isCalendarDate(text) || message)
  )
  .pipe(
    Schema.decodeTo(Schema.String, {
      decode: SchemaGetter.transform((text) => text.replace(SPACE_BEFORE_OFFSET, "+")),
      encode: SchemaGetter.passthrough()
    }),
    Schema.decodeTo(Schema.DateTimeUtcFromString)
  )
