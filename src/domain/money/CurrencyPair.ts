import { Option, Result, Schema } from "effect"
import * as Currency from "./Currency.ts"

/** A direction of exchange: how many units of `to` one unit of `from` buys. USD→NGN is not the inverse of NGN→USD. */
export class CurrencyPair extends Schema.Class<CurrencyPair>("effex/domain/money/CurrencyPair")({
  from: Currency.CurrencyCode,
  to: Currency.CurrencyCode
}) {
  /** `USD:NGN` */
  get key(): string {
    return `${this.from}:${this.to}`
  }

  override toString(): string {
    return this.key
  }
}

/** The pair of two codes in any case, whether it is offered or not: its rates may be those of long ago. */
export const parse = (from: string, to: string): Result.Result<CurrencyPair, Currency.UnknownCurrency> =>
  Result.gen(function* () {
    return new CurrencyPair({ from: yield* Currency.parse(from), to: yield* Currency.parse(to) })
  })

/** Both currencies exist, but this service has no rates for the pair. */
export class UnsupportedPair extends Schema.TaggedError<UnsupportedPair>()("UnsupportedPair", {
  pair: CurrencyPair,
  sources: Schema.Array(Currency.CurrencyCode),
  destinations: Schema.Array(Currency.CurrencyCode)
}) {
  override get message(): string {
    const [sources, destinations] = [this.sources.join(", "), this.destinations.join(", ")]
    return `${this.pair.key} is not offered: from ${sources}, to another one of ${destinations}`
  }
}

/** The pairs that a service offers: every source into every destination. */
export interface SupportedPairs {
  readonly sources: ReadonlyArray<Currency.CurrencyCode>
  readonly destinations: ReadonlyArray<Currency.CurrencyCode>
  /** Every pair, sources first. */
  readonly all: ReadonlyArray<CurrencyPair>
  /** The pair of two codes in any case, the same object each time. */
  readonly find: (
    from: string,
    to: string
  ) => Result.Result<CurrencyPair, Currency.UnsupportedCurrency | UnsupportedPair>
  /** The source currency of a code in any case. */
  readonly findSource: (code: string) => Result.Result<Currency.CurrencyCode, Currency.UnsupportedCurrency>
}

export const makeSupported = (
  sources: ReadonlyArray<Currency.CurrencyCode>,
  destinations: ReadonlyArray<Currency.CurrencyCode>
): SupportedPairs => {
  const byKey = new Map<string, CurrencyPair>()
  for (const from of sources) {
    for (const to of destinations) {
      if (from !== to) byKey.set(`${from}:${to}`, new CurrencyPair({ from, to }))
    }
  }
  const unsupported = (given: string, supported: ReadonlyArray<Currency.CurrencyCode>) =>
    new Currency.UnsupportedCurrency({ given: given.slice(0, 8), supported })
  return {
    sources,
    destinations,
    all: Array.from(byKey.values()),
    find: (fromText, toText) => {
      const asWritten = byKey.get(`${fromText}:${toText}`)
      if (asWritten !== undefined) return Result.succeed(asWritten)
      const from = Currency.find(fromText)
      if (Option.isNone(from)) return Result.fail(unsupported(fromText, sources))
      const to = Currency.find(toText)
      if (Option.isNone(to)) return Result.fail(unsupported(toText, destinations))
      const known = byKey.get(`${from.value.code}:${to.value.code}`)
      if (known !== undefined) return Result.succeed(known)
      const pair = new CurrencyPair({ from: from.value.code, to: to.value.code })
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
