import { Schema } from "effect"

/** A rule refuses the movement. */
export class MovementDenied extends Schema.TaggedError<MovementDenied>()("MovementDenied", {
  detail: Schema.String,
  /** Remaining limit until `resetsAt`, in `unit`; null if a rule without a limit refuses the movement. */
  remaining: Schema.NullOr(Schema.String),
  /** A currency, or `movements`. */
  unit: Schema.NullOr(Schema.String),
  resetsAt: Schema.NullOr(Schema.DateTimeUtc)
}) {
  override get message(): string {
    return this.detail
  }
}
