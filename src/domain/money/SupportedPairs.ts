import { Option, Result, Schema } from "effect"
import type { CatalogAsset } from "../assets/CatalogAsset.ts"
import { type AssetCode, MAX_SHOWN_CODE, parseCode } from "./Asset.ts"
import { AssetPair, type ConfiguredPairs, keyOf } from "./AssetPair.ts"
import * as Currency from "./Currency.ts"

/** The currency of the prices of all other assets. */
export const PRICE_CURRENCY = Currency.CurrencyCode.make("USD")

/** Both assets exist, but the service has no rates for the pair. */
export class UnsupportedPair extends Schema.TaggedError<UnsupportedPair>()("UnsupportedPair", {
  pair: AssetPair,
  sources: Schema.Array(Currency.CurrencyCode),
  destinations: Schema.Array(Currency.CurrencyCode)
}) {
  override get message(): string {
    const { from, key, to } = this.pair
    const priced = [from, to].find((code) => Option.isNone(Currency.find(code)))
    if (priced !== undefined)
      return `${key} is not supported; prices are in ${PRICE_CURRENCY}: ${keyOf(priced, PRICE_CURRENCY)}`
    const [sources, destinations] = [this.sources.join(", "), this.destinations.join(", ")]
    return `${key} is not supported; convert from ${sources} to a different currency of ${destinations}`
  }
}

type Find<Pair> = (
  from: string,
  to: string
) => Result.Result<Pair, Currency.UnsupportedCurrency | UnsupportedPair>

/** The pairs that the service supports. */
export interface SupportedPairs {
  /** Currencies from which a conversion is supported. */
  readonly sources: ReadonlyArray<Currency.CurrencyCode>
  /** Currencies to which a conversion is supported. */
  readonly destinations: ReadonlyArray<Currency.CurrencyCode>
  /** Every currency of a configured pair. */
  readonly currencies: ReadonlyArray<Currency.CurrencyCode>
  /** Pairs that the poller refreshes: the configured pairs, and the prices of listed assets. */
  readonly polled: ReadonlyArray<AssetPair>
  /** Returns true if the poller refreshes the pair. */
  readonly isPolled: (pair: Pick<AssetPair, "key">) => boolean
  /** Returns true for the price of a delisted asset: it is supported for history, but has no current rate. */
  readonly isDelisted: (pair: Pick<AssetPair, "key">) => boolean
  /** Looks up a pair by two codes in any case. Returns the same object each time. */
  readonly find: Find<AssetPair>
  /** Looks up a pair of currencies, the only pairs that conversions take. */
  readonly findCurrencies: Find<AssetPair>
  /** Looks up the first code of pairs, in any case. */
  readonly findSource: (code: string) => Result.Result<AssetCode, Currency.UnsupportedCurrency>
}

/**
 * Builds the supported pairs: the configured ones; with `onDemand` also every other ordered pair of their currencies; and
 * the price of each asset that is no currency. That of a delisted asset is not polled.
 */
export const make = (
  { all, destinations, sources }: ConfiguredPairs,
  onDemand: boolean,
  assets: ReadonlyArray<CatalogAsset>
): SupportedPairs => {
  const currencies = Array.from(new Set([...sources, ...destinations]))
  const offered = new Set<string>(currencies)
  const priced = new Map(
    assets.flatMap((asset) =>
      asset.kind === "currency"
        ? []
        : [[asset.code, { asset, pair: new AssetPair({ from: asset.code, to: PRICE_CURRENCY }) }] as const]
    )
  )
  const polled = [
    ...all,
    ...Array.from(priced.values()).flatMap(({ asset, pair }) => (asset.state === "listed" ? [pair] : []))
  ]
  const delistedKeys = new Set(
    Array.from(priced.values()).flatMap(({ asset, pair }) => (asset.state === "delisted" ? [pair.key] : []))
  )
  const polledKeys = new Set(polled.map(({ key }) => key))
  const byKey = new Map(
    [...all, ...Array.from(priced.values(), ({ pair }) => pair)].map((pair) => [pair.key, pair])
  )
  const from = onDemand ? currencies : sources
  const to = onDemand ? currencies : destinations
  const unsupported = (given: string, supported: ReadonlyArray<Currency.CurrencyCode>) =>
    new Currency.UnsupportedCurrency({ given: given.slice(0, MAX_SHOWN_CODE), supported })
  const codeOf = (text: string): Option.Option<AssetCode> =>
    Option.filter(parseCode(text), (code) => priced.has(code) || Option.isSome(Currency.find(code)))

  const find: SupportedPairs["find"] = (fromText, toText) => {
    const exactMatch = byKey.get(keyOf(fromText, toText))
    if (exactMatch !== undefined) return Result.succeed(exactMatch)
    const source = codeOf(fromText)
    if (Option.isNone(source)) return Result.fail(unsupported(fromText, from))
    const destination = codeOf(toText)
    if (Option.isNone(destination)) return Result.fail(unsupported(toText, to))
    const match = byKey.get(keyOf(source.value, destination.value))
    if (match !== undefined) return Result.succeed(match)
    const pair = new AssetPair({ from: source.value, to: destination.value })
    if (!onDemand || pair.from === pair.to || !offered.has(pair.from) || !offered.has(pair.to))
      return Result.fail(new UnsupportedPair({ pair, sources: from, destinations: to }))
    byKey.set(pair.key, pair)
    return Result.succeed(pair)
  }

  return {
    sources: from,
    destinations: to,
    currencies,
    polled,
    isPolled: ({ key }) => polledKeys.has(key),
    isDelisted: ({ key }) => delistedKeys.has(key),
    find,
    findCurrencies: (fromText, toText) => {
      if (Option.isNone(Currency.find(fromText))) return Result.fail(unsupported(fromText, from))
      if (Option.isNone(Currency.find(toText))) return Result.fail(unsupported(toText, to))
      return find(fromText, toText)
    },
    findSource: (text) => {
      const code = codeOf(text)
      return Option.isSome(code) && (priced.has(code.value) || from.some((source) => source === code.value))
        ? Result.succeed(code.value)
        : Result.fail(unsupported(text, from))
    }
  }
}
