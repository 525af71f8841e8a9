import { Schema } from "effect"

/** Returns true if the date exists. `Date` accepts February 30 as March 2. */
const isCalendarDate = (text: string) => {
  const day = text.slice(0, 10)
  const midnight = new Date(day)
  return !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(day)
}

const message = "Expected an ISO 8601 time such as 2026-11-21T03:27:17.086Z"

/** A time. Accepts years 1000 to 2999 only, because PostgreSQL cannot store every time that a `Date` can. */
export const TimeFromText = Schema.String.annotate({ format: "date-time" })
  .check(
    Schema.isPattern(/^[12]\d{3}-\d\d-\d\d(T.{1,30})?$/, { message }),
    Schema.makeFilter((text: string) => isCalendarDate(text) || message)
  )
  .pipe(Schema.decodeTo(Schema.DateTimeUtcFromString))
