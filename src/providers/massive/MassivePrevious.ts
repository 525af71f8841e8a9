import { BigDecimal, DateTime, Duration, Effect, Result } from "effect"
import type { HttpClientRequest } from "effect/http"
import * as UsMarketCalendar from "../../domain/markets/UsMarketCalendar.ts"
import type { AssetPair } from "../../domain/money/AssetPair.ts"
import { type RateTick, SANDBOX_PROVIDER } from "../../domain/rates/Rate.ts"
import * as MonotonicClock from "../../platform/MonotonicClock.ts"
import { type ProviderReason, RateLimited } from "../ProviderError.ts"
import type { ProviderHttp } from "../ProviderHttp.ts"
import * as PriceQuote from "../prices/PriceQuote.ts"
import * as Sandbox from "../sandbox/Sandbox.ts"
import * as MassiveResponse from "./MassiveResponse.ts"

/** Requests of the free plan in each minute. */
const MAX_REQUESTS = 5
const WINDOW = Duration.minutes(1)
/** A close that is not of the last session is requested again after this time. */
const RETRY_INTERVAL = Duration.minutes(30)
const ONE = BigDecimal.make(1n, 0)

interface Previous {
  readonly observedAt: DateTime.Utc
  readonly provider: string
  readonly quote: PriceQuote.PriceResult
}

/**
 * Prices from the previous close of each ticker, for plans without snapshots. A close is kept until the next session has
 * ended. The free plan has five requests a minute: further tickers fail at once, so that no poll waits for them.
 */
export const make = ({
  http,
  provider,
  request
}: {
  readonly http: ProviderHttp
  readonly provider: string
  readonly request: (ticker: string) => HttpClientRequest.HttpClientRequest
}) => {
  const closes = new Map<string, Previous>()
  let starts: ReadonlyArray<number> = []

  /** Counts a request. Fails if the minute has no request left. */
  const takeRequest = Effect.gen(function* () {
    const now = yield* MonotonicClock.millis
    starts = starts.filter((start) => start > now - Duration.toMillis(WINDOW))
    const [oldest] = starts
    if (oldest !== undefined && starts.length >= MAX_REQUESTS)
      return yield* new RateLimited({ retryAfter: Duration.millis(oldest + Duration.toMillis(WINDOW) - now) })
    starts = [...starts, now]
  })

  const isCurrent = ({ observedAt, quote }: Previous, now: DateTime.Utc) =>
    (Result.isSuccess(quote) &&
      DateTime.toEpochMillis(quote.success.quotedAt) >=
        UsMarketCalendar.lastClose(DateTime.toEpochMillis(now))) ||
    Duration.isLessThan(DateTime.distance(observedAt, now), RETRY_INTERVAL)

  const fetch = Effect.fnUntraced(function* (ticker: string) {
    yield* takeRequest
    const observedAt = yield* DateTime.now
    const previous = yield* http.call(Effect.succeed(request(ticker)), (response) =>
      Effect.map(Effect.fromResult(MassiveResponse.readPrevious(ticker)(response)), (quotes): Previous => ({
        observedAt,
        provider: response.headers[Sandbox.HEADER] === undefined ? provider : SANDBOX_PROVIDER,
        quote: quotes.get(ticker) ?? Result.fail(PriceQuote.missing(ticker))
      }))
    )
    closes.set(ticker, previous)
    return previous
  })

  /** Returns the previous close of a ticker as the price of the pair. */
  const rate = Effect.fn("MassivePrevious.rate")(function* (
    pair: AssetPair,
    ticker: string
  ): Effect.fn.Return<RateTick, ProviderReason> {
    const now = yield* DateTime.now
    const kept = closes.get(ticker)
    const previous = kept !== undefined && isCurrent(kept, now) ? kept : yield* fetch(ticker)
    const quote = yield* Effect.fromResult(previous.quote)
    const traded = PriceQuote.requireTraded(
      ticker,
      quote,
      now,
      UsMarketCalendar.openMillis,
      MassiveResponse.MAX_PREVIOUS_AGE
    )
    const { price, quotedAt, raw, text } = yield* Effect.fromResult(traded)
    return {
      pair,
      rate: price,
      sourceAmount: ONE,
      destinationAmount: price,
      provider: previous.provider,
      providerRate: text,
      raw,
      observedAt: now,
      quotedAt
    }
  })

  return { rate }
}
