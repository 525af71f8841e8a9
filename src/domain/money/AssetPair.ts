import { Option, Schema } from "effect"
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

/** Describes what {@link split} accepts, for error messages. */
export const ALLOWED = "two codes such as USD:NGN or BTC:USD"

const SYNTAX = /^([a-z][a-z0-9]{0,9}(?:\.[a-z0-9]{1,4})?):([a-z][a-z0-9]{0,9}(?:\.[a-z0-9]{1,4})?)$/

/**
 * Splits pair text such as `USD:NGN` or `brk.b:usd` into its two codes, as written. Checks the syntax only: the assets may
 * be unknown.
 */
export const split = (text: string): Option.Option<{ readonly from: string; readonly to: string }> => {
  // Not the flag `i`, with which "ſ" matches "s".
  const [, from, to] = /^[\x20-\x7e]+$/.test(text) ? (SYNTAX.exec(text.toLowerCase()) ?? []) : []
  return from === undefined || to === undefined
    ? Option.none()
    : Option.some({ from: text.slice(0, from.length), to: text.slice(from.length + 1) })
}

/** Parses pair text such as `USD:NGN` or `usd:ngn` of any two active currencies, supported by the service or not. */
export const parseCurrencies = (text: string): Option.Option<AssetPair> =>
  Option.flatMap(split(text), ({ from, to }) =>
    Option.map(
      Option.all([Currency.find(from), Currency.find(to)]),
      ([from, to]) => new AssetPair({ from: from.code, to: to.code })
    )
  )

/** The pairs that the settings name: every source currency into every other destination currency. */
export interface ConfiguredPairs {
  readonly sources: ReadonlyArray<Currency.CurrencyCode>
  readonly destinations: ReadonlyArray<Currency.CurrencyCode>
  /** Every pair, grouped by source. */
  readonly all: ReadonlyArray<AssetPair>
}

/** Pairs every source currency with every other destination currency. */
export const configure = (
  sources: ReadonlyArray<Currency.CurrencyCode>,
  destinations: ReadonlyArray<Currency.CurrencyCode>
): ConfiguredPairs => ({
  sources,
  destinations,
  all: sources.flatMap((from) =>
    destinations.flatMap((to) => (from === to ? [] : [new AssetPair({ from, to })]))
  )
})
