import { DateTime } from "effect"
import type { Quote } from "./Quote.ts"

/** State of a quote. Only an open quote can be converted. */
export type QuoteState = "open" | "used" | "expired"

/**
 * Returns the state of a quote at a moment. Expiry: a quote is open until just before `expiresAt`. A used quote stays
 * used.
 */
export const stateAt = (
  { expiresAt, usedBy }: Pick<Quote, "expiresAt" | "usedBy">,
  now: DateTime.Utc
): QuoteState => {
  if (usedBy !== null) return "used"
  return DateTime.isGreaterThan(expiresAt, now) ? "open" : "expired"
}
