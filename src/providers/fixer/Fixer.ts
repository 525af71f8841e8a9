import { Duration, Effect, Option, Redacted } from "effect"
import { Headers, HttpClient, HttpClientRequest } from "effect/http"
import { Settings } from "../../config/Settings.ts"
import { CurrencyCode } from "../../domain/money/Currency.ts"
import * as FixerResponse from "./FixerResponse.ts"
import type { RateSource } from "../RateSource.ts"
import * as TableSource from "../table/TableSource.ts"

/** The one base of its free plan, and one of all the others. */
const EUR = CurrencyCode.make("EUR")
/** The gate that takes keys in a header. */
const GATE = "api.apilayer.com"
const KEY_HEADER = "apikey"

/** Spans show all headers but those that are named. */
const untraced = Effect.provideService(Headers.CurrentRedactedNames, [KEY_HEADER])

/** Fixer at `FIXER_BASE_URL`. */
export const make: Effect.Effect<RateSource["Service"], never, TableSource.Needs> = Effect.gen(function* () {
  const { fixerBaseUrl, fxApiKey } = yield* Settings
  const key = Option.getOrElse(fxApiKey, () => Redacted.make(""))
  const withKey =
    new URL(fixerBaseUrl).hostname === GATE
      ? HttpClientRequest.setHeader(KEY_HEADER, Redacted.value(key))
      : HttpClientRequest.setUrlParam("access_key", key)
  return yield* TableSource.make({
    name: "fixer",
    pivot: EUR,
    longestAge: Duration.days(1),
    secrets: [key],
    request: (currencies) =>
      HttpClientRequest.get(`${fixerBaseUrl}/latest`).pipe(
        HttpClientRequest.setUrlParams({ base: EUR, symbols: currencies.join(",") }),
        HttpClientRequest.acceptJson,
        withKey
      ),
    read: FixerResponse.read
  })
}).pipe(Effect.updateService(HttpClient.HttpClient, HttpClient.transformResponse(untraced)))
