import { Schema } from "effect"

/** ISO 8601 text in UTC with milliseconds: `2026-11-21T03:27:17.086Z`. */
export const TimestampText = Schema.String.annotate({
  format: "date-time",
  description: "ISO 8601 in UTC, with milliseconds"
})

/** A time, encoded as {@link TimestampText}. */
export const Timestamp = TimestampText.pipe(Schema.decodeTo(Schema.DateTimeUtcFromString))
