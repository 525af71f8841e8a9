import { Duration, Effect } from "effect"
import { HttpClientRequest } from "effect/http"
import { Settings } from "../../config/Settings.ts"
import { CurrencyCode } from "../../domain/money/Currency.ts"
import * as FrankfurterResponse from "./FrankfurterResponse.ts"
import type { ProviderDependencies, RateSource } from "../RateSource.ts"
import * as TableSource from "../table/TableSource.ts"

/** Frankfurter rounds rates below 1 to few digits. Few currencies are worth more than a dollar, so few lose digits. */
const USD = CurrencyCode.make("USD")

/** Makes the Frankfurter source, at `FRANKFURTER_BASE_URL`. It has rates of working days only, hence the high age limit. */
export const make: Effect.Effect<RateSource["Service"], never, ProviderDependencies> = Effect.gen(
  function* () {
    const { frankfurterBaseUrl } = yield* Settings
    return yield* TableSource.make({
      name: "frankfurter",
      pivot: USD,
      maxAge: Duration.days(5),
      secrets: [],
      request: (currencies) =>
        HttpClientRequest.get(`${frankfurterBaseUrl}/rates`).pipe(
          HttpClientRequest.setUrlParams({ base: USD, quotes: currencies.join(",") }),
          HttpClientRequest.acceptJson
        ),
      read: FrankfurterResponse.read
    })
  }
)
