import { Option, Result, Schema } from "effect"
import { AssetCode } from "./Asset.ts"
import { currencies, withoutMinorUnit } from "./Iso4217.ts"

/** ISO 4217 alphabetic code, upper case. It is an {@link AssetCode} too: the codes are reserved for currencies. */
export const CurrencyCode = AssetCode.check(
  Schema.isPattern(/^[A-Z]{3}$/, { message: "Expected an ISO 4217 code such as USD" })
).pipe(Schema.brand("CurrencyCode"))
export type CurrencyCode = typeof CurrencyCode.Type

/** An active ISO 4217 currency. */
export interface Currency {
  readonly code: CurrencyCode
  /** English name, as published by ISO 4217. */
  readonly name: string
  /** Number of decimals of the smallest unit: 2 for USD, 0 for XOF, 3 for KWD. */
  readonly minorUnit: number
}

/** The code is not one of the currencies that the service supports on this side of a pair. */
export class UnsupportedCurrency extends Schema.TaggedError<UnsupportedCurrency>()("UnsupportedCurrency", {
  /** The rejected text, truncated for display. */
  given: Schema.String,
  supported: Schema.Array(CurrencyCode)
}) {
  override get message(): string {
    return `${JSON.stringify(this.given)} is not supported; use one of ${this.supported.join(", ")}`
  }
}

/** The text is not an active ISO 4217 code. */
export class UnknownCurrency extends Schema.TaggedError<UnknownCurrency>()("UnknownCurrency", {
  /** The rejected text, truncated for display. */
  given: Schema.String
}) {
  override get message(): string {
    return `${JSON.stringify(this.given)} is not an active ISO 4217 currency code`
  }
}

const byCode: ReadonlyMap<string, Currency> = new Map(
  currencies.map(([code, name, minorUnit]) => [code, { code: CurrencyCode.make(code), name, minorUnit }])
)

/** Looks up a currency by code, in any case. Accepts ASCII letters only, because `"ſ".toUpperCase()` is also "S". */
export const find = (code: string): Option.Option<Currency> =>
  /^[A-Za-z]{3}$/.test(code) ? Option.fromUndefinedOr(byCode.get(code.toUpperCase())) : Option.none()

/** Parses the code of any active currency, in any case, supported by the service or not. */
export const parse = (text: string): Result.Result<CurrencyCode, UnknownCurrency> =>
  Option.match(find(text), {
    onNone: () => Result.fail(new UnknownCurrency({ given: text.slice(0, 8) })),
    onSome: ({ code }) => Result.succeed(code)
  })

/** Every ISO 4217 currency that has a minor unit, ordered by code. */
export const all: ReadonlyArray<Currency> = Array.from(byCode.values())

/** Returns the currency of a code. Throws if it is not a known currency. */
export const get = (code: AssetCode): Currency => Option.getOrThrow(find(code))

const reserved: ReadonlySet<string> = new Set([...byCode.keys(), ...withoutMinorUnit])

/** Returns true for a code of ISO 4217, which no other asset may have. */
export const isReserved = (code: AssetCode): boolean => reserved.has(code)
