import { Schema } from "effect"

/** `Date` takes the 30th of February for the 2nd of March. */
const isOfCalendar = (text: string) => {
  const day = text.slice(0, 10)
  const midnight = new Date(day)
  return !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(day)
}

const message = "Expected a time such as 2026-11-21T03:27:17.086Z"

/** A moment. Years that are told with four digits: Postgres cannot read every time that a `Date` can hold. */
export const TimeFromText = Schema.String.check(
  Schema.isPattern(/^[12]\d{3}-\d\d-\d\d(T.{1,30})?$/, { message }),
  Schema.makeFilter((text: string) => isOfCalendar(text) || message)
).pipe(Schema.decodeTo(Schema.DateTimeUtcFromString))
