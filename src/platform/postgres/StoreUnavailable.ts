import { Schema } from "effect"
import { SqlError } from "effect/sql"

/**
 * The database could not be reached, did not answer in time, or kept data locked for another transaction. The outcome of a write is
 * unknown.
 */
export class StoreUnavailable extends Schema.TaggedError<StoreUnavailable>()("StoreUnavailable", {
  cause: Schema.Defect()
}) {
  /** True if another transaction held a lock for longer than `lock_timeout`. */
  get isLocked(): boolean {
    return SqlError.isSqlError(this.cause) && this.cause.reason._tag === "LockTimeoutError"
  }

  override get message(): string {
    return this.isLocked ? "Another transaction holds a lock on the same data" : "The database is unavailable"
  }
}
