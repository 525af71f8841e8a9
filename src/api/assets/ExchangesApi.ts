import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { OptionalAuthentication } from "../access/HttpAuthorization.ts"
import { describe } from "../EndpointDescription.ts"
import * as Problem from "../Problem.ts"
import { ProblemResponses } from "../ProblemResponses.ts"
import { Board } from "./BoardMessage.ts"
import { ExchangePrices } from "./ExchangeMessage.ts"

const prices = { success: ExchangePrices, error: Problem.StoreUnavailable } as const

/** Prices of cryptocurrencies and stocks, and the board of rates. */
export class ExchangesApi extends HttpApiGroup.make("exchanges")
  .add(
    HttpApiEndpoint.get("cryptoCurrencies", "/exchanges/crypto-currencies", prices).annotateMerge(
      describe(
        "List the prices of cryptocurrencies",
        "Returns each listed cryptocurrency that has a price. `change_24h` is the change of the price in the last 24 hours, as a fraction; null without a price of that time."
      )
    ),
    HttpApiEndpoint.get("stocks", "/exchanges/stocks", prices).annotateMerge(
      describe(
        "List the prices of stocks",
        "Returns each listed stock that has a price. `change_24h` is the change of the price in the last 24 hours, as a fraction; null without a price of that time."
      )
    ),
    HttpApiEndpoint.get("board", "/board", {
      query: {
        base: Schema.optionalKey(
          Schema.String.annotate({ description: "The first code of the pairs, in upper or lower case" })
        ),
        points: Schema.optionalKey(
          Schema.String.check(
            Schema.isPattern(/^([2-9]|[1-8]\d|9[0-6])$/, { message: "Expected a whole number from 2 to 96" })
          ).pipe(Schema.decodeTo(Schema.FiniteFromString))
        )
      },
      success: [Board, HttpApiSchema.Empty(304)],
      error: [Problem.UnsupportedCurrency, Problem.StoreUnavailable]
    }).annotateMerge(
      describe(
        "Get the board of a base",
        "Returns every pair of `base` (default: USD) with its rate, its change in 24 hours, `points` rates (default: 24) at equal distances over the last 24 hours, and the margin of a conversion. The answer is cached for some seconds; its `ETag` allows conditional requests."
      )
    )
  )
  .prefix("/api/v1")
  .middleware(OptionalAuthentication)
  .middleware(ProblemResponses)
  .annotateMerge(
    OpenApi.annotations({
      title: "Prices",
      description: "Prices of assets, and the board of rates, with their changes in 24 hours."
    })
  ) {}
