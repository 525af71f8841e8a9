import { Duration, Effect, Option, Redacted } from "effect"
import { HttpClientRequest } from "effect/http"
import { Settings } from "../../config/Settings.ts"
import { CurrencyCode } from "../../domain/money/Currency.ts"
import * as OpenExchangeRatesResponse from "./OpenExchangeRatesResponse.ts"
import type { ProviderDependencies, RateSource } from "../RateSource.ts"
import * as TableSource from "../table/TableSource.ts"

/** The only base currency of the free plan; all paid plans support it. */
const USD = CurrencyCode.make("USD")

/** Makes the Open Exchange Rates source, at `OPENEXCHANGERATES_BASE_URL`. */
export const make: Effect.Effect<RateSource["Service"], never, ProviderDependencies> = Effect.gen(
  function* () {
    const { openExchangeRatesAppId, openExchangeRatesBaseUrl } = yield* Settings
    const appId = Option.getOrElse(openExchangeRatesAppId, () => Redacted.make(""))
    return yield* TableSource.make({
      name: "openexchangerates",
      pivot: USD,
      maxAge: Duration.days(1),
      secrets: [appId],
      request: (currencies) =>
        HttpClientRequest.get(`${openExchangeRatesBaseUrl}/latest.json`).pipe(
          HttpClientRequest.setUrlParams({ app_id: appId, base: USD, symbols: currencies.join(",") }),
          HttpClientRequest.acceptJson
        ),
      read: OpenExchangeRatesResponse.read
    })
  }
)
