/** The latest rate of a pair: units of `to` per unit of `from`. */
export interface Rate {
  readonly from: string
  readonly to: string
  /** Exact decimal text, such as `1534.12345678`. Use a decimal library for arithmetic. */
  readonly rate: string
  readonly rateId: string
  /** Provider name, such as `flutterwave`, or `sandbox` for generated rates. */
  readonly provider: string
  /** When the server queried the provider. */
  readonly fetchedAt: Date
  /** The provider's own time of the rate, if it sends one. */
  readonly quotedAt?: Date
  /** True if the rate is older than the server's `STALE_AFTER` and could not be refreshed. */
  readonly stale: boolean
}

/** A rate of a list. */
export interface ListedRate extends Rate {
  /** False for a pair that is fetched on demand only. Absent from servers before 0.2. */
  readonly polled?: boolean
}

/** A stored, immutable rate with its provenance. */
export interface RateRecord extends Omit<Rate, "stale"> {
  readonly sourceAmount: string
  readonly destinationAmount: string
  /** The rate field of the provider's response, verbatim. */
  readonly providerRate: string
  /** Ids of the rates that it was computed from. Empty if the provider quoted the pair directly. */
  readonly derivedFrom: ReadonlyArray<string>
  /** When effex stored the rate. */
  readonly recordedAt: Date
  /** The provider's complete response. */
  readonly raw: unknown
}

/** The rate in force at `at`, as known at `knownAt`. */
export interface RateAsOf extends Omit<Rate, "stale"> {
  readonly recordedAt: Date
  readonly derivedFrom: ReadonlyArray<string>
  readonly at: Date
  readonly knownAt: Date
}

/** A stored rate of a pair, including rates that were corrected later. */
export interface HistoryRate {
  readonly rate: string
  readonly rateId: string
  readonly provider: string
  readonly fetchedAt: Date
  readonly recordedAt: Date
  readonly derivedFrom: ReadonlyArray<string>
}

/** Open, high, low and close of one UTC hour or day, after corrections. */
export interface Candle {
  readonly start: Date
  readonly open: string
  readonly high: string
  readonly low: string
  readonly close: string
  /** Number of rates. */
  readonly count: number
}

/** A supported currency. */
export interface Currency {
  readonly code: string
  readonly name: string
  /** Number of decimals of the smallest unit (ISO 4217). */
  readonly minorUnit: number
  readonly source: boolean
  readonly destination: boolean
  /** Currencies into which the rates of this one are polled. Absent from servers before 0.2. */
  readonly polledDestinations?: ReadonlyArray<string>
}

/** Kind of an asset. */
export type AssetKind = "currency" | "crypto" | "stock"

/** An asset that can be held and priced. The price of `BTC` is the rate of the pair `BTC:USD`. */
export interface Asset {
  readonly code: string
  readonly name: string
  readonly kind: AssetKind
  /** Number of decimals of the smallest amount. */
  readonly decimals: number
  /** Orders may name the asset. */
  readonly tradable: boolean
  /** Smallest amount of an order, as decimal text. Null: the smallest amount of its decimals. */
  readonly minimumOrder: string | null
  /** A delisted asset cannot be bought, and has no price. */
  readonly state: "listed" | "delisted"
}

/** The price of a cryptocurrency or a stock. */
export interface AssetPrice {
  /** Code of the asset. */
  readonly name: string
  /** Decimal text with at least two decimals, in units of `currency`. */
  readonly price: string
  readonly currency: string
  readonly asOf: Date
  readonly stale: boolean
  /** Change in 24 hours, as a fraction: `-0.0123` is a fall by 1.23 %. Null without a price of that time. */
  readonly change24h: string | null
  readonly fullName: string
  readonly tradable: boolean
}

/** Every pair of a base that has a rate. */
export interface Board {
  readonly base: string
  /** Times of the series, oldest first; the last one is now. */
  readonly times: ReadonlyArray<Date>
  readonly pairs: ReadonlyArray<BoardPair>
}

/** A pair of the board: its latest rate, and its recent development. */
export interface BoardPair extends Rate {
  /** Change in 24 hours, as a fraction. Null without a rate of that time. */
  readonly change24h: string | null
  /** The rate in force at each of the times of the board. Null where none is known. */
  readonly series: ReadonlyArray<string | null>
  /** Margin of a conversion, as a fraction. */
  readonly margin: string
  /** False for a pair that is fetched on demand only. */
  readonly polled: boolean
}

/** Side of a conversion that the requested amount fixes. */
export type AmountType = "source" | "target"

/** Numbers of a conversion. Amounts and rates are decimal text. */
interface Price {
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

/** The complete audit record of a conversion. */
export interface AuditRecord extends Price {
  readonly auditId: string
  readonly amountType: AmountType
  /** The output before rounding. */
  readonly exactOutput: string
  /** `exactOutput − outputAmount`. */
  readonly residual: string
  readonly quoteId: string | null
  readonly reference: string | null
  /** Id of the API key that converted, or `anonymous`. */
  readonly principal: string
  readonly convertedAt: Date
  /** Position in the sealed order of the audit, from 1. Null until the record is sealed, which takes about a second. */
  readonly position: number | null
}

/** Result of recomputing the whole audit. */
export interface Verification {
  readonly ok: boolean
  readonly records: number
  readonly head?: string
  /** Records that are not sealed yet. */
  readonly unsealed?: number
  readonly publicKeys?: ReadonlyArray<string>
  /** First record that is wrong. */
  readonly position?: number
  readonly auditId?: string
  readonly reason?: string
}

/** Signed head of the audit, verbatim: its fields are what is signed. */
export interface AuditHead {
  readonly tree_size: number
  readonly root_hash: string
  readonly chain_hash: string
  readonly signed_at: string
  readonly public_key: string
  readonly signature: string
}

/** Consistency proof between two sizes of the audit, verbatim. */
export interface Consistency {
  readonly from: number
  readonly to: number
  /** Hashes in hexadecimal. */
  readonly proof: ReadonlyArray<string>
}

/** The key that signs the audit, and the rotations that connect it to earlier keys, verbatim: their fields are signed. */
export interface AuditKeys {
  readonly public_key: string
  readonly rotations: ReadonlyArray<{
    readonly previous_key: string
    readonly public_key: string
    readonly tree_size: number
    readonly root_hash: string
    readonly chain_hash: string
    readonly signed_at: string
    /** Null if the previous key was lost. */
    readonly previous_signature: string | null
    readonly signature: string
  }>
}

/** Proof that a conversion is in the audit, verbatim: its fields are what is hashed. Keep it as JSON. */
export interface Receipt {
  readonly record: Readonly<Record<string, string | number | boolean | null>>
  /** Position of the record in the audit, from 1. */
  readonly position: number
  readonly proof: ReadonlyArray<string>
  /** Link of the hash chain. Receipts of version 0.1.0 have none. */
  readonly chain?: { readonly previous_hash: string; readonly hash: string } | undefined
  readonly head: AuditHead
}

/** A finished poll. */
export interface Poll {
  readonly runId: string
  readonly startedAt: Date
  readonly finishedAt: Date
  /** Number of pairs requested. */
  readonly pairs: number
  readonly succeeded: number
  readonly failed: number
}

/** A poll, running or ended. */
export interface PollRecord {
  readonly runId: string
  readonly status: "running" | "finished" | "interrupted"
  readonly trigger: "schedule" | "demand" | "command-line"
  readonly pairSet: "currencies" | "prices"
  /** Leader term of a scheduled poll. */
  readonly term: number | null
  readonly startedAt: Date
  readonly finishedAt: Date | null
  /** Number of pairs requested. */
  readonly pairs: number
  /** Null until the poll is finished. */
  readonly succeeded: number | null
  readonly failed: number | null
}

/** A poll with the pairs that it failed to refresh. */
export interface PollDetails extends PollRecord {
  readonly failures: ReadonlyArray<{
    readonly from: string
    readonly to: string
    readonly reason: string
    readonly detail: string
  }>
}

/**
 * A stream event: the latest rates of all subscribed pairs (`snapshot`), one change (`rate`), or skipped changes
 * (`gap`, followed by a snapshot). Pass `position` as `since` to resume after the event.
 */
export type RateEvent =
  | { readonly type: "snapshot"; readonly position: string; readonly rates: ReadonlyArray<Rate> }
  | { readonly type: "rate"; readonly position: string; readonly rate: Rate }
  | { readonly type: "gap"; readonly position: string }
