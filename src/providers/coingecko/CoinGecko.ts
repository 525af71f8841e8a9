import { Effect, Option, Redacted } from "effect"
import { Headers, HttpClient, HttpClientRequest } from "effect/http"
import { Settings } from "../../config/Settings.ts"
import * as PriceSource from "../prices/PriceSource.ts"
import type { ProviderDependencies, RateSource } from "../RateSource.ts"
import * as CoinGeckoResponse from "./CoinGeckoResponse.ts"

/** Host of the paid plans. All other hosts take the key of the demo plan. */
const PRO_HOST = "pro-api.coingecko.com"
const PRO_HEADER = "x-cg-pro-api-key"
const DEMO_HEADER = "x-cg-demo-api-key"

/** Redacts the key header in spans, which show all other headers. */
const withRedactedKey = Effect.provideService(Headers.CurrentRedactedNames, [PRO_HEADER, DEMO_HEADER])

/**
 * Prices of cryptocurrencies from CoinGecko's `GET /simple/price`. An asset needs the id of its coin as symbol, such as
 * `bitcoin`: ids are no tickers, and several coins share a ticker.
 */
export const make = Effect.fnUntraced(
  function* (options: {
    readonly name: string
    readonly baseUrl: string
    readonly key: Option.Option<Redacted.Redacted>
    readonly usesCodes: boolean
  }) {
    const { baseUrl, key, name, usesCodes } = options
    const header = new URL(baseUrl).hostname === PRO_HOST ? PRO_HEADER : DEMO_HEADER
    const withKey = Option.match(key, {
      onNone: () => (request: HttpClientRequest.HttpClientRequest) => request,
      onSome: (key) => HttpClientRequest.setHeader(header, Redacted.value(key))
    })
    return yield* PriceSource.make({
      provider: "coingecko",
      name,
      kind: "crypto",
      usesCodes,
      secrets: Option.toArray(key),
      // Cryptocurrencies are always traded.
      openMillis: (from, to) => to - from,
      request: (ids) =>
        HttpClientRequest.get(`${baseUrl}/simple/price`).pipe(
          HttpClientRequest.setUrlParams({
            ids: ids.join(","),
            vs_currencies: "usd",
            include_last_updated_at: "true",
            precision: "full"
          }),
          HttpClientRequest.acceptJson,
          withKey
        ),
      read: CoinGeckoResponse.read
    })
  },
  Effect.updateService(HttpClient.HttpClient, HttpClient.transformResponse(withRedactedKey))
)

/** CoinGecko at `COINGECKO_BASE_URL`. */
export const makeFromSettings: Effect.Effect<RateSource["Service"], never, ProviderDependencies> =
  Effect.flatMap(Settings, ({ coinGeckoApiKey: key, coinGeckoBaseUrl: baseUrl }) =>
    make({ name: "coingecko", baseUrl, key, usesCodes: false })
  )
