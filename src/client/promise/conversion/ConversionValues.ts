/** Side of a conversion that the requested amount fixes. */
export type AmountType = "source" | "target"

/** Numbers of a conversion. Amounts and rates are decimal text. */
export interface Price {
  readonly fromCurrency: string
  readonly toCurrency: string
  /** Paid by the customer. */
  readonly inputAmount: string
  /** Received by the customer. */
  readonly outputAmount: string
  readonly midRate: string
  /** Fraction of the mid rate that is deducted, such as `0.005`. */
  readonly margin: string
  /** `midRate × (1 − margin)`. */
  readonly rate: string
  readonly rateId: string
  readonly provider: string
  readonly rateFetchedAt: Date
  readonly stale: boolean
}

/** A committed conversion. */
export interface Conversion extends Price {
  readonly auditId: string
  /** Absent only where an idempotency key returns a conversion of version 0.1.0. */
  readonly amountType?: AmountType
  readonly convertedAt: Date
  readonly quoteId?: string
  readonly reference?: string
}

/** A quote: the locked numbers of a conversion. */
export interface Quote extends Price {
  readonly quoteId: string
  readonly state: "open" | "used" | "expired"
  readonly expiresAt: Date
  readonly amountType: AmountType
  readonly createdAt: Date
  readonly reference?: string
  /** The conversion that used the quote. */
  readonly auditId?: string
}
