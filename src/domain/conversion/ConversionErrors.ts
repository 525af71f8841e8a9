import { Schema } from "effect"
import { QuoteId } from "./AuditRecord.ts"

/** No quote has the id. */
export class QuoteNotFound extends Schema.TaggedError<QuoteNotFound>()("QuoteNotFound", {
  quoteId: QuoteId
}) {
  override get message(): string {
    return `There is no quote ${this.quoteId}`
  }
}

/** The quote's time is over. */
export class QuoteExpired extends Schema.TaggedError<QuoteExpired>()("QuoteExpired", {
  quoteId: QuoteId,
  expiresAt: Schema.DateTimeUtc
}) {
  override get message(): string {
    return `The quote ${this.quoteId} has expired`
  }
}

/** Another conversion used the quote. */
export class QuoteUsed extends Schema.TaggedError<QuoteUsed>()("QuoteUsed", { quoteId: QuoteId }) {
  override get message(): string {
    return `The quote ${this.quoteId} has been used`
  }
}

/** The request says something else than the quote that it names. */
export class QuoteMismatch extends Schema.TaggedError<QuoteMismatch>()("QuoteMismatch", {
  field: Schema.String,
  quoted: Schema.String
}) {
  override get message(): string {
    return `The quote says ${this.quoted}`
  }
}

/** A request with the same key is still under way. */
export class IdempotencyConflict extends Schema.TaggedError<IdempotencyConflict>()(
  "IdempotencyConflict",
  {}
) {
  override get message(): string {
    return "A request with this Idempotency-Key is still under way"
  }
}

/** The key was used for another request. */
export class IdempotencyMismatch extends Schema.TaggedError<IdempotencyMismatch>()(
  "IdempotencyMismatch",
  {}
) {
  override get message(): string {
    return "This Idempotency-Key was used for another request"
  }
}
