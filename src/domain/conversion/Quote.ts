import { type DateTime, Schema } from "effect"
import type { AuditId } from "./AuditId.ts"
import type { PricedConversion } from "./PricedConversion.ts"

/** Identifies one quote. A UUIDv7. */
export const QuoteId = Schema.String.check(Schema.isUUID(7)).pipe(Schema.brand("QuoteId"))
export type QuoteId = typeof QuoteId.Type

/** A priced conversion that can be used once, until it expires. */
export interface Quote {
  readonly id: QuoteId
  /** The first name of its `Owner`. Only the owner can read and use it. */
  readonly owner: string
  readonly priced: PricedConversion
  readonly createdAt: DateTime.Utc
  readonly expiresAt: DateTime.Utc
  /** The conversion that used it. */
  readonly usedBy: AuditId | null
}
