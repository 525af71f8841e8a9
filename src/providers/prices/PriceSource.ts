import { BigDecimal, DateTime, Duration, Effect, Option, type Redacted, Result } from "effect"
import type { HttpClientRequest } from "effect/http"
import { Settings } from "../../config/Settings.ts"
import type { AssetKind } from "../../domain/money/Asset.ts"
import type { AssetPair } from "../../domain/money/AssetPair.ts"
import { PRICE_CURRENCY } from "../../domain/money/SupportedPairs.ts"
import * as Freshness from "../../domain/rates/Freshness.ts"
import { type RateTick, SANDBOX_PROVIDER } from "../../domain/rates/Rate.ts"
import { PriceSymbols } from "../PriceSymbols.ts"
import { NotQuoted, ProviderError, type ProviderReason } from "../ProviderError.ts"
import * as ProviderHttp from "../ProviderHttp.ts"
import type { ProviderResponse } from "../ProviderResponse.ts"
import type { RateSource } from "../RateSource.ts"
import * as Sandbox from "../sandbox/Sandbox.ts"
import * as PriceBatches from "./PriceBatches.ts"
import * as PriceQuote from "./PriceQuote.ts"
import * as SharedResponse from "./SharedResponse.ts"

/** Maximum age of a response that is reused for another asset. */
const MAX_REUSE = Duration.seconds(10)
const MAX_BODY_BYTES = 1024 * 1024
const ONE = BigDecimal.make(1n, 0)

/** A provider of prices in US dollars, with many assets in one response. */
export interface PriceProvider {
  /** Name as in `PRICE_PROVIDERS`, under which assets have their symbols. */
  readonly provider: string
  /** Name of the source. */
  readonly name: string
  readonly kind: AssetKind
  /** An asset without a symbol at the provider has its code as symbol. */
  readonly usesCodes: boolean
  readonly secrets: ReadonlyArray<Redacted.Redacted>
  /** Milliseconds between two moments during which the assets are traded. */
  readonly openMillis: (from: number, to: number) => number
  /** Makes the request for the prices of these symbols. */
  readonly request: (symbols: ReadonlyArray<string>) => HttpClientRequest.HttpClientRequest
  /** Reads a response of any status. Leaves out symbols that the response leaves out. */
  readonly read: (
    response: ProviderResponse,
    now: DateTime.Utc
  ) => Result.Result<PriceQuote.PriceQuotes, ProviderReason>
}

interface PriceResponse {
  readonly observedAt: DateTime.Utc
  /** Provider name of the prices: that of the sandbox for generated ones. */
  readonly provider: string
  readonly quotes: PriceQuote.PriceQuotes
}

/**
 * Makes a source of prices. One request covers up to 250 assets. Its response is reused for all of them that are requested
 * concurrently or within 10 seconds, or within half of `PRICE_POLL_INTERVAL` if that is shorter. Lookups get a price that
 * was refused, or that is stale, again for half of that interval: another request would most likely get the same one.
 */
export const make = Effect.fnUntraced(function* (provider: PriceProvider) {
  const { kind, name, openMillis, read, request, secrets, usesCodes } = provider
  const { pricePollInterval, staleAfter } = yield* Settings
  const symbols = yield* PriceSymbols
  const freshness = Freshness.make(staleAfter, symbols.kindOf)
  const http = yield* ProviderHttp.make({ name, secrets, maxBodyBytes: MAX_BODY_BYTES })
  const cooldown = Duration.divideUnsafe(
    Option.getOrElse(pricePollInterval, () => DEFAULT_INTERVAL),
    2
  )
  const maxReuse = Duration.min(MAX_REUSE, cooldown)

  const fetch = (requested: ReadonlyArray<string>) =>
    Effect.suspend(() => {
      let observedAt = DateTime.makeUnsafe(0)
      return http.call(
        Effect.map(DateTime.now, (now) => {
          observedAt = now
          return request(requested)
        }),
        (response) =>
          Effect.map(Effect.fromResult(read(response, observedAt)), (quotes): PriceResponse => ({
            observedAt,
            provider: response.headers[Sandbox.HEADER] === undefined ? provider.provider : SANDBOX_PROVIDER,
            quotes
          }))
      )
    })

  let catalogue: ReturnType<typeof symbols.ofProvider> | undefined
  let batches: PriceBatches.PriceBatches = PriceBatches.NONE
  let responses = new Map<string, SharedResponse.SharedResponse<PriceResponse>>()

  /** Applies changes of the catalogue. A batch that stays the same keeps its last response. */
  const applyCatalogue = () => {
    const current = symbols.ofProvider(provider.provider)
    if (current === catalogue) return
    catalogue = current
    batches = PriceBatches.make(current, kind, usesCodes)
    const previous = responses
    responses = new Map(
      batches.batches.map((batch) => {
        const key = batch.join()
        return [key, previous.get(key) ?? SharedResponse.make(fetch(batch))]
      })
    )
  }

  /** Returns the shared response that has the price of a symbol. A symbol that is not polled is requested on its own. */
  const responseOf = (symbol: string) => {
    const batch = batches.batchOf(symbol) ?? [symbol]
    const key = batch.join()
    const response = responses.get(key) ?? SharedResponse.make(fetch(batch))
    responses.set(key, response)
    return response
  }

  const symbolOf = ({ from, to }: AssetPair) => {
    applyCatalogue()
    return to === PRICE_CURRENCY ? batches.symbolOf(from) : undefined
  }

  const tickOf = (
    pair: AssetPair,
    symbol: string,
    { observedAt, provider, quotes }: PriceResponse
  ): Result.Result<RateTick, ProviderReason> =>
    Result.gen(function* () {
      const quote = yield* quotes.get(symbol) ?? Result.fail(PriceQuote.missing(symbol))
      const { price, quotedAt, raw, text } = yield* PriceQuote.requireTraded(
        symbol,
        quote,
        observedAt,
        openMillis
      )
      return {
        pair,
        rate: price,
        sourceAmount: ONE,
        destinationAmount: price,
        provider,
        providerRate: text,
        raw,
        observedAt,
        quotedAt
      }
    })

  let refused: PriceResponse | undefined

  /** Returns true if the last response was refused, or has no recent price of the pair. */
  const isUseless = (
    response: PriceResponse | undefined,
    pair: AssetPair,
    symbol: string,
    now: DateTime.Utc
  ) => {
    if (response === undefined) return false
    if (response === refused) return true
    return Result.match(tickOf(pair, symbol, response), {
      onFailure: () => true,
      onSuccess: ({ quotedAt }) =>
        quotedAt !== undefined &&
        !freshness.isQuoteFresh(
          { pair, quotedAt },
          Duration.toMillis(staleAfter),
          DateTime.toEpochMillis(now)
        )
    })
  }

  let latest: PriceResponse | undefined

  const rate: RateSource["Service"]["rate"] = Effect.fn("PriceSource.rate")(function* (pair, request) {
    yield* Effect.annotateCurrentSpan({ pair: pair.key, provider: name })
    const symbol = symbolOf(pair)
    const fail = (reason: ProviderReason) => new ProviderError({ provider: name, pair, reason })
    if (symbol === undefined) return yield* fail(notQuoted(pair))
    const shared = responseOf(symbol)
    const isCoolingDown =
      request?.isPoll !== true && isUseless(shared.latest(), pair, symbol, yield* DateTime.now)
    return yield* shared.within(isCoolingDown ? cooldown : maxReuse).pipe(
      Effect.tap((response) => Effect.sync(() => (latest = response))),
      Effect.flatMap((response) => Effect.fromResult(tickOf(pair, symbol, response))),
      Effect.mapError(fail)
    )
  })

  return {
    name,
    /** Returns the symbol of the asset of a pair, or undefined if the source has no price of it. */
    symbolOf,
    quotes: (pair: AssetPair) => symbolOf(pair) !== undefined,
    rate,
    refuse: Effect.sync(() => {
      refused = latest
    })
  }
})

/** Interval by which lookups are limited while prices are not polled. */
const DEFAULT_INTERVAL = Duration.minutes(1)

/** Reason for a pair that is not the price of an asset of the provider. */
export const notQuoted = ({ key }: AssetPair): ProviderReason =>
  new NotQuoted({ detail: `it has no symbol for ${key}; set one in the catalogue of assets` })
