import { Schema } from "effect"

/** The database could not be reached or did not answer in time. The outcome of a write is unknown. */
export class StoreUnavailable extends Schema.TaggedError<StoreUnavailable>()("StoreUnavailable", {
  cause: Schema.Defect()
}) {
  override get message(): string {
    return "The database is unavailable"
  }
}
