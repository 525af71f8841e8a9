import type { QuoteId } from "../domain/conversion/Quote.ts"
import type { PriceInput } from "./Pricing.ts"

/** A conversion to price. */
export interface ConversionTerms extends PriceInput {
  /** Converts at the price of this quote. Null: at the latest rate. */
  readonly quoteId: QuoteId | null
}

/** A conversion to commit. */
export interface ConversionInput extends ConversionTerms {
  /** Undefined: every request is a new conversion. */
  readonly idempotencyKey: string | undefined
}
