import { Duration, Effect, Option, Redacted } from "effect"
import { Headers, HttpClient, HttpClientRequest } from "effect/http"
import { Settings } from "../../config/Settings.ts"
import { CurrencyCode } from "../../domain/money/Currency.ts"
import * as FixerResponse from "./FixerResponse.ts"
import type { ProviderDependencies, RateSource } from "../RateSource.ts"
import * as TableSource from "../table/TableSource.ts"

/** The only base currency of the free plan; all paid plans support it. */
const EUR = CurrencyCode.make("EUR")
/** The gateway that expects the key in a header. */
const GATEWAY_HOST = "api.apilayer.com"
const KEY_HEADER = "apikey"

/** Redacts the key header in spans, which show all other headers. */
const withRedactedKey = Effect.provideService(Headers.CurrentRedactedNames, [KEY_HEADER])

/** Makes the Fixer source, at `FIXER_BASE_URL`. */
export const make: Effect.Effect<RateSource["Service"], never, ProviderDependencies> = Effect.gen(
  function* () {
    const { fixerBaseUrl, fxApiKey } = yield* Settings
    const key = Option.getOrElse(fxApiKey, () => Redacted.make(""))
    const withKey =
      new URL(fixerBaseUrl).hostname === GATEWAY_HOST
        ? HttpClientRequest.setHeader(KEY_HEADER, Redacted.value(key))
        : HttpClientRequest.setUrlParam("access_key", key)
    return yield* TableSource.make({
      name: "fixer",
      pivot: EUR,
      maxAge: Duration.days(1),
      secrets: [key],
      request: (currencies) =>
        HttpClientRequest.get(`${fixerBaseUrl}/latest`).pipe(
          HttpClientRequest.setUrlParams({ base: EUR, symbols: currencies.join(",") }),
          HttpClientRequest.acceptJson,
          withKey
        ),
      read: FixerResponse.read
    })
  }
).pipe(Effect.updateService(HttpClient.HttpClient, HttpClient.transformResponse(withRedactedKey)))
