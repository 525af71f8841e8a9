import { Option, Result, Schema } from "effect"
import { AssetCode } from "./Asset.ts"
import * as Currency from "./Currency.ts"

/**
 * An ordered pair of assets, such as USD:NGN or BTC:USD. Its rate is the number of `to` units per `from` unit. USD:NGN
 * and NGN:USD are quoted independently and are not inverses of each other.
 */
export class AssetPair extends Schema.Class<AssetPair>("effex/domain/money/AssetPair")({
  from: AssetCode,
  to: AssetCode
}) {
  /** Canonical text, such as `USD:NGN`. */
  get key(): string {
    return keyOf(this.from, this.to)
  }

  override toString(): string {
    return this.key
  }
}

/** Joins two codes into the canonical text of a pair, such as `USD:NGN`. */
export const keyOf = (from: string, to: string): string => `${from}:${to}`

/** Describes what {@link parse} accepts, for error messages. */
export const ALLOWED = "two ISO 4217 codes such as USD:NGN"

/**
 * Splits pair text such as `USD:NGN` or `usd:ngn` into its two codes, as written. Checks the syntax only: the
 * currencies may be unknown.
 */
export const split = (text: string): Option.Option<{ readonly from: string; readonly to: string }> => {
  const [, from, to] = /^([a-z]{3}):([a-z]{3})$/i.exec(text) ?? []
  return from === undefined || to === undefined ? Option.none() : Option.some({ from, to })
}

/** Parses pair text such as `USD:NGN` or `usd:ngn` of any two active currencies, supported by the service or not. */
export const parse = (text: string): Option.Option<AssetPair> =>
  Option.flatMap(split(text), ({ from, to }) => Result.getSuccess(fromCodes(from, to)))

/**
 * Builds a pair from two codes in any case, supported by the service or not: history keeps the rates of pairs that are
 * no longer supported.
 */
export const fromCodes = (from: string, to: string): Result.Result<AssetPair, Currency.UnknownCurrency> =>
  Result.gen(function* () {
    return new AssetPair({ from: yield* Currency.parse(from), to: yield* Currency.parse(to) })
  })

/** Both currencies exist, but the service has no rates for the pair. */
export class UnsupportedPair extends Schema.TaggedError<UnsupportedPair>()("UnsupportedPair", {
  pair: AssetPair,
  sources: Schema.Array(Currency.CurrencyCode),
  destinations: Schema.Array(Currency.CurrencyCode)
}) {
  override get message(): string {
    const [sources, destinations] = [this.sources.join(", "), this.destinations.join(", ")]
    return `${this.pair.key} is not supported; convert from ${sources} to a different currency of ${destinations}`
  }
}

/** The pairs that the service supports: every source currency into every other destination currency. */
export interface SupportedPairs {
  readonly sources: ReadonlyArray<Currency.CurrencyCode>
  readonly destinations: ReadonlyArray<Currency.CurrencyCode>
  /** Every pair, grouped by source. */
  readonly all: ReadonlyArray<AssetPair>
  /** Looks up a pair by two codes in any case. Returns the same object each time. */
  readonly find: (
    from: string,
    to: string
  ) => Result.Result<AssetPair, Currency.UnsupportedCurrency | UnsupportedPair>
  /** Looks up a source currency by its code in any case. */
  readonly findSource: (code: string) => Result.Result<Currency.CurrencyCode, Currency.UnsupportedCurrency>
}

/** Builds the supported pairs of these sources and destinations. */
export const makeSupported = (
  sources: ReadonlyArray<Currency.CurrencyCode>,
  destinations: ReadonlyArray<Currency.CurrencyCode>
): SupportedPairs => {
  const byKey = new Map<string, AssetPair>()
  for (const from of sources) {
    for (const to of destinations) {
      if (from !== to) byKey.set(keyOf(from, to), new AssetPair({ from, to }))
    }
  }
  const unsupported = (given: string, supported: ReadonlyArray<Currency.CurrencyCode>) =>
    new Currency.UnsupportedCurrency({ given: given.slice(0, 8), supported })
  return {
    sources,
    destinations,
    all: Array.from(byKey.values()),
    find: (fromText, toText) => {
      const exactMatch = byKey.get(keyOf(fromText, toText))
      if (exactMatch !== undefined) return Result.succeed(exactMatch)
      const from = Currency.find(fromText)
      if (Option.isNone(from)) return Result.fail(unsupported(fromText, sources))
      const to = Currency.find(toText)
      if (Option.isNone(to)) return Result.fail(unsupported(toText, destinations))
      const match = byKey.get(keyOf(from.value.code, to.value.code))
      if (match !== undefined) return Result.succeed(match)
      const pair = new AssetPair({ from: from.value.code, to: to.value.code })
      return Result.fail(new UnsupportedPair({ pair, sources, destinations }))
    },
    findSource: (text) => {
      const code = Option.map(Currency.find(text), (currency) => currency.code)
      return Option.isSome(code) && sources.includes(code.value)
        ? Result.succeed(code.value)
        : Result.fail(unsupported(text, sources))
    }
  }
}
