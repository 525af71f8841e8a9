import { HttpApiError } from "effect/http-api"
import { declare, members } from "./ProblemDefinition.ts"

/** Problems of conversions and quotes. */

export class QuoteExpired extends HttpApiError.Problem<QuoteExpired>()(
  "QuoteExpired",
  declare("quote-expired", 409, "The quote has expired"),
  members("quote-expired", false)
) {}

export class QuoteUsed extends HttpApiError.Problem<QuoteUsed>()(
  "QuoteUsed",
  declare("quote-used", 409, "The quote was already used"),
  members("quote-used", false)
) {}

export class ConversionNotCancellable extends HttpApiError.Problem<ConversionNotCancellable>()(
  "ConversionNotCancellable",
  declare("conversion-not-cancellable", 409, "The conversion cannot be cancelled"),
  members("conversion-not-cancellable", false)
) {}
