import { Option, Result, Schema } from "effect"
import { currencies } from "./Iso4217.ts"

/** An ISO 4217 alphabetic code of a currency in use, upper case. */
export const CurrencyCode = Schema.String.check(
  Schema.isPattern(/^[A-Z]{3}$/, { message: "Expected an ISO 4217 code such as USD" })
).pipe(Schema.brand("CurrencyCode"))
export type CurrencyCode = typeof CurrencyCode.Type

/** A currency of ISO 4217. */
export interface Currency {
  readonly code: CurrencyCode
  /** English name, as ISO 4217 writes it. */
  readonly name: string
  /** Digits after the decimal point of the smallest unit: 2 for USD, 0 for XOF, 3 for KWD. */
  readonly minorUnit: number
}

/** The text is no ISO 4217 code, or the currency is not offered in this place. */
export class UnsupportedCurrency extends Schema.TaggedError<UnsupportedCurrency>()("UnsupportedCurrency", {
  /** What was given, cut to a length that is safe to show. */
  given: Schema.String,
  /** What would have been taken. */
  supported: Schema.Array(CurrencyCode)
}) {
  override get message(): string {
    return `${JSON.stringify(this.given)} is not one of ${this.supported.join(", ")}`
  }
}

/** The text is no code of a currency at all. */
export class UnknownCurrency extends Schema.TaggedError<UnknownCurrency>()("UnknownCurrency", {
  /** What was given, cut to a length that is safe to show. */
  given: Schema.String
}) {
  override get message(): string {
    return `${JSON.stringify(this.given)} is no currency of ISO 4217`
  }
}

const byCode: ReadonlyMap<string, Currency> = new Map(
  currencies.map(([code, name, minorUnit]) => [code, { code: CurrencyCode.make(code), name, minorUnit }])
)

/** The currency of a code, in upper or lower case. ASCII letters only: `"ſ".toUpperCase()` is "S" too. */
export const find = (code: string): Option.Option<Currency> =>
  /^[A-Za-z]{3}$/.test(code) ? Option.fromUndefinedOr(byCode.get(code.toUpperCase())) : Option.none()

/** The code of a currency, offered or not, in any case. */
export const parse = (text: string): Result.Result<CurrencyCode, UnknownCurrency> =>
  Option.match(find(text), {
    onNone: () => Result.fail(new UnknownCurrency({ given: text.slice(0, 8) })),
    onSome: ({ code }) => Result.succeed(code)
  })

/** Every currency of ISO 4217 that has a minor unit, by code. */
export const all: ReadonlyArray<Currency> = Array.from(byCode.values())

/** The currency of a code that is known to be one. Throws for any other. */
export const get = (code: CurrencyCode): Currency => Option.getOrThrow(find(code))
