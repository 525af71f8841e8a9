import { Duration, Effect } from "effect"
import { HttpClientRequest } from "effect/http"
import { Settings } from "../../config/Settings.ts"
import { CurrencyCode } from "../../domain/money/Currency.ts"
import * as FrankfurterResponse from "./FrankfurterResponse.ts"
import type { RateSource } from "../RateSource.ts"
import * as TableSource from "../table/TableSource.ts"

/** It rounds by size: of the currencies that are asked for, few are worth more than a dollar and lose digits. */
const USD = CurrencyCode.make("USD")

/** Frankfurter at `FRANKFURTER_BASE_URL`. Its rates are of working days, so that some are a long weekend old. */
export const make: Effect.Effect<RateSource["Service"], never, TableSource.Needs> = Effect.gen(function* () {
  const { frankfurterBaseUrl } = yield* Settings
  return yield* TableSource.make({
    name: "frankfurter",
    pivot: USD,
    longestAge: Duration.days(5),
    secrets: [],
    request: (currencies) =>
      HttpClientRequest.get(`${frankfurterBaseUrl}/rates`).pipe(
        HttpClientRequest.setUrlParams({ base: USD, quotes: currencies.join(",") }),
        HttpClientRequest.acceptJson
      ),
    read: FrankfurterResponse.read
  })
})
