import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { RateId } from "../../domain/rates/Rate.ts"
import { StreamPositionText } from "../../domain/rates/StreamPosition.ts"
import { OpenAccess } from "../access/HttpAccess.ts"
import { DurationFromText } from "../DurationFromText.ts"
import * as Problem from "../Problem.ts"
import { ProblemResponses } from "../ProblemResponses.ts"
import { CurrencyList, RateList, RateMessage, RateRecordMessage } from "./RateMessage.ts"

/** An ISO 4217 code in any case. Whether it is one is for the handler to say, with 422. */
const CodeText = Schema.String.annotate({ description: "An ISO 4217 code, in upper or lower case" })

const describe = (summary: string, description: string) => OpenApi.annotations({ summary, description })

/** The rates, and what there is to ask for. */
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
        "The latest rate of a pair",
        "Units of `to` for one unit of `from`. With `max_age`, such as `60 seconds`, an older rate is refreshed, and refused where it cannot be. `Age`, `Cache-Control`, `ETag` and `X-Rate-Source` say how old it is, how long it stays fresh, which one it is, and where it was found."
      )
    ),
    HttpApiEndpoint.get("all", "/rates/all", {
      query: { base: Schema.optionalKey(CodeText) },
      success: RateList,
      error: [Problem.UnsupportedCurrency, Problem.StoreUnavailable]
    }).annotateMerge(describe("Every known rate", "Of one source currency, or of all without `base`.")),
    HttpApiEndpoint.get("stream", "/rates/stream", {
      query: { pairs: Schema.optionalKey(Schema.String), since: Schema.optionalKey(StreamPositionText) },
      headers: { "last-event-id": Schema.optionalKey(StreamPositionText) },
      success: HttpApiSchema.StreamSse({ data: Schema.Unknown }),
      error: [Problem.UnsupportedCurrency, Problem.UnsupportedPair, Problem.RateLimited]
    }).annotateMerge(
      describe(
        "Every change of a rate, as it happens (SSE)",
        "Events `snapshot`, `rate`, `poll` and `gap`, of some `pairs` such as `USD:NGN,EUR:KES` or of all. Their ids are positions: `Last-Event-ID`, or `since`, resumes from there, with what was missed, or a `gap` and a fresh `snapshot`."
      )
    ),
    HttpApiEndpoint.get("currencies", "/currencies", { success: CurrencyList }).annotateMerge(
      describe("The currencies", "Which ones there are, and in which places of a pair they may stand.")
    ),
    HttpApiEndpoint.get("record", "/rates/:rate_id", {
      params: { rate_id: RateId },
      success: [RateRecordMessage, HttpApiSchema.Empty(304)],
      error: [Problem.NotFound, Problem.StoreUnavailable]
    }).annotateMerge(
      describe(
        "One immutable rate",
        "With the provider's raw answer, for ever: what a conversion used can be proven."
      )
    )
  )
  .prefix("/api/v1")
  .middleware(OpenAccess)
  .middleware(ProblemResponses)
  .annotateMerge(OpenApi.annotations({ title: "Rates" })) {}
