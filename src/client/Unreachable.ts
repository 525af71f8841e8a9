import { Schema } from "effect"

/** No answer came: the server could not be reached, or the connection was lost on the way. */
export class Unreachable extends Schema.TaggedError<Unreachable>()("Unreachable", {
  /** As every problem has one. */
  code: Schema.tag("unreachable"),
  /** There was no answer, and so it has no status. */
  status: Schema.tag(0),
  detail: Schema.String,
  /** Whether the request may have arrived, and been carried out. */
  sent: Schema.Boolean,
  /** Whether the same request can be repeated without harm. */
  retryable: Schema.Boolean,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    return this.detail
  }
}
