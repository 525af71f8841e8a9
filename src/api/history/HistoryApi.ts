import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { OptionalAuthentication } from "../access/HttpAuthorization.ts"
import { AsOfMessage, CandlesPage, HistoryRowsPage } from "./HistoryMessage.ts"
import * as PageMessage from "../PageMessage.ts"
import { describe } from "../EndpointDescription.ts"
import * as Problem from "../Problem.ts"
import { ProblemResponses } from "../ProblemResponses.ts"
import { TimeFromText } from "../TimeFromText.ts"

const CodeText = Schema.String.annotate({ description: "An ISO 4217 code, in upper or lower case" })
const Time = Schema.optionalKey(TimeFromText)

/** Historical rates: lists, candles and point-in-time lookups. */
export class HistoryApi extends HttpApiGroup.make("history")
  .add(
    HttpApiEndpoint.get("history", "/history", {
      query: {
        from: CodeText,
        to: CodeText,
        start: Time,
        end: Time,
        interval: Schema.optionalKey(Schema.Literals(["raw", "1h", "1d"])),
        ...PageMessage.query
      },
      headers: PageMessage.headers,
      success: [HistoryRowsPage, CandlesPage, ...PageMessage.files],
      error: [Problem.UnsupportedCurrency, Problem.StoreUnavailable, Problem.Overloaded]
    }).annotateMerge(
      describe(
        "List the rate history of a pair",
        "Returns rates from `start` (inclusive, default: the first rate) to `end` (exclusive, default: now), oldest first. By default, returns every stored rate. A correction is a separate row with the same `fetched_at` and a later `recorded_at`. With `interval`, returns the open, high, low and close of each UTC hour or day that starts in the range and has rates, with corrections applied. A page of candles covers `page_size` intervals, starting with the first that has rates. Follow `next` for more pages. With `Accept: text/csv` or `application/x-ndjson`, streams the complete range as a file. Also works for pairs that are no longer supported."
      )
    ),
    HttpApiEndpoint.get("asOf", "/as-of", {
      query: { from: CodeText, to: CodeText, at: TimeFromText, known_at: Time },
      success: AsOfMessage,
      error: [Problem.UnsupportedCurrency, Problem.NotFound, Problem.StoreUnavailable]
    }).annotateMerge(
      describe(
        "Get the rate in force at a time",
        "Returns the rate of the pair that was in force at `at`, as recorded by `known_at` (default: now). Stored rates are immutable: a correction is a new rate that is recorded later."
      )
    )
  )
  .prefix("/api/v1/rates")
  .middleware(OptionalAuthentication)
  .middleware(ProblemResponses)
  .annotateMerge(
    OpenApi.annotations({
      title: "History",
      description: "Stored rates over time, and the rate in force at a time."
    })
  ) {}
