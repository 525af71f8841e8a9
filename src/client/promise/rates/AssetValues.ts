import type { Rate } from "./RateValues.ts"

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
