import { Schema } from "effect"
import { QuoteId } from "./Quote.ts"

/** No quote has this id. */
export class QuoteNotFound extends Schema.TaggedError<QuoteNotFound>()("QuoteNotFound", {
  quoteId: QuoteId
}) {
  override get message(): string {
    return `No quote has the id ${this.quoteId}`
  }
}

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
    return `The quote ${this.quoteId} was already used`
  }
}

/** Only a conversion that is held for review can be cancelled. */
export class ConversionNotCancellable extends Schema.TaggedError<ConversionNotCancellable>()(
  "ConversionNotCancellable",
  { state: Schema.Literals(["completed", "rejected", "expired", "cancelled"]) }
) {
  override get message(): string {
    return `The conversion is ${this.state}; only a conversion that is held for review can be cancelled`
  }
}

/** A field of the request differs from the quote. */
export class QuoteMismatch extends Schema.TaggedError<QuoteMismatch>()("QuoteMismatch", {
  field: Schema.String,
  /** Value of the field in the quote. */
  quoted: Schema.String
}) {
  override get message(): string {
    return `${this.field} must be ${this.quoted}, as in the quote`
  }
}

/** A request with the same idempotency key is in progress. */
export class IdempotencyConflict extends Schema.TaggedError<IdempotencyConflict>()(
  "IdempotencyConflict",
  {}
) {
  override get message(): string {
    return "A request with this Idempotency-Key is in progress"
  }
}

/** The idempotency key was used for a different request. */
export class IdempotencyMismatch extends Schema.TaggedError<IdempotencyMismatch>()(
  "IdempotencyMismatch",
  {}
) {
  override get message(): string {
    return "This Idempotency-Key was used for a different request"
  }
}
