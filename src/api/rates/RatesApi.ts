import { Schema } from "effect"
import { HttpApi, HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { RateId } from "../../domain/rates/Rate.ts"
import { StreamPositionText } from "../../domain/rates/StreamPosition.ts"
import { OptionalAuthentication } from "../access/HttpAuthorization.ts"
import { DurationFromText } from "../DurationFromText.ts"
import { describe } from "../EndpointDescription.ts"
import * as Problem from "../Problem.ts"
import { ProblemResponses } from "../ProblemResponses.ts"
import { CurrencyList, RateList, RateMessage, RateRecordMessage } from "./RateMessage.ts"
import { RateSseEvent } from "./RateSseEvent.ts"

/** A currency code in any case. Handlers validate it and return 422 if it is not supported. */
const CodeText = Schema.String.annotate({ description: "An ISO 4217 code, in upper or lower case" })

/** Latest rates, stored rates, the rate stream and the supported currencies. */
export class RatesApi extends HttpApiGroup.make("rates")
  .add(
    HttpApiEndpoint.get("rate", "/rates", {
      query: { from: CodeText, to: CodeText, max_age: Schema.optionalKey(DurationFromText) },
      success: [RateMessage, HttpApiSchema.Empty(304)],
      error: [
        Problem.UnsupportedCurrency,
        Problem.UnsupportedPair,
        Problem.RateTooOld,
        Problem.RateUnavailable,
        Problem.StoreUnavailable
      ]
    }).annotateMerge(
      describe(
        "Get the latest rate of a pair",
        "Returns the units of `to` per unit of `from`. With `max_age`, such as `60 seconds`, an older rate is refreshed, and the request fails with `rate-too-old` if that is not possible. Response headers: `Age` is the age of the rate, `Cache-Control` its remaining freshness, `ETag` its id, and `X-Rate-Source` where it was found (`memory`, `cache`, `database` or `provider`)."
      )
    ),
    HttpApiEndpoint.get("all", "/rates/all", {
      query: { base: Schema.optionalKey(CodeText) },
      success: RateList,
      error: [Problem.UnsupportedCurrency, Problem.StoreUnavailable]
    }).annotateMerge(
      describe(
        "List the latest rates",
        "Returns the latest rate of every pair, or only of pairs with the source currency `base`."
      )
    ),
    HttpApiEndpoint.get("stream", "/rates/stream", {
      query: { pairs: Schema.optionalKey(Schema.String), since: Schema.optionalKey(StreamPositionText) },
      headers: { "last-event-id": Schema.optionalKey(StreamPositionText) },
      success: HttpApiSchema.StreamSse({ events: RateSseEvent }),
      error: [Problem.UnsupportedCurrency, Problem.UnsupportedPair, Problem.RateLimited]
    })
      // Some clients of event streams add a parameter when they reconnect.
      .annotate(HttpApi.QueryParseOptions, { onExcessProperty: "ignore" })
      .annotateMerge(
        describe(
          "Stream rate changes (SSE)",
          "Sends the events `snapshot`, `rate`, `poll` and `gap` for `pairs`, such as `USD:NGN,EUR:KES`, or for all pairs. The id of an event is its stream position. To resume, send it as `Last-Event-ID` or `since`: the stream replays the missed changes, or sends a `gap` and a new `snapshot` if they are no longer available."
        )
      ),
    HttpApiEndpoint.get("currencies", "/currencies", { success: CurrencyList }).annotateMerge(
      describe(
        "List the supported currencies",
        "Returns each currency, and whether it is supported as source, as destination, or both."
      )
    ),
    HttpApiEndpoint.get("record", "/rates/:rate_id", {
      params: { rate_id: RateId },
      success: [RateRecordMessage, HttpApiSchema.Empty(304)],
      error: [Problem.NotFound, Problem.StoreUnavailable]
    }).annotateMerge(
      describe(
        "Get a stored rate",
        "Returns an immutable rate with the provider's raw response. Stored rates never expire, so the rate of every conversion can be verified."
      )
    )
  )
  .prefix("/api/v1")
  .middleware(OptionalAuthentication)
  .middleware(ProblemResponses)
  .annotateMerge(
    OpenApi.annotations({
      title: "Rates",
      description: "Latest rates, stored rates, and the stream of changes."
    })
  ) {}
