import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { OpenAccess } from "../access/HttpAccess.ts"
import { AsOfMessage, CandlesPage, HistoryRowsPage } from "./HistoryMessage.ts"
import * as PageMessage from "../PageMessage.ts"
import * as Problem from "../Problem.ts"
import { ProblemResponses } from "../ProblemResponses.ts"
import { TimeFromText } from "../TimeFromText.ts"

const CodeText = Schema.String.annotate({ description: "An ISO 4217 code, in upper or lower case" })
const Time = Schema.optionalKey(TimeFromText)

const describe = (summary: string, description: string) => OpenApi.annotations({ summary, description })

/** What the rates were, and what was known of them. */
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
      error: [Problem.UnsupportedCurrency, Problem.StoreUnavailable]
    }).annotateMerge(
      describe(
        "The rates of a pair, oldest first",
        "From `start` to before `end`: from the first rate until now without them. Each as it was stored, corrections (a new row with the same `fetched_at` and a later `recorded_at`) included; or with `interval` open, high, low and close of each hour or day (UTC) that begins in that time and has rates, corrected. A page of candles covers `page_size` intervals from the first with rates. A page at a time; follow `next` to the end. With `Accept: text/csv` or `application/x-ndjson` all of them at once, streamed. Pairs that are no longer offered can be asked for too."
      )
    ),
    HttpApiEndpoint.get("asOf", "/as-of", {
      query: { from: CodeText, to: CodeText, at: TimeFromText, known_at: Time },
      success: AsOfMessage,
      error: [Problem.UnsupportedCurrency, Problem.NotFound, Problem.StoreUnavailable]
    }).annotateMerge(
      describe(
        "The rate that was in force at a moment",
        "As it is known now, or as it was known at `known_at`: rates are never changed, a correction is a new one that is recorded later."
      )
    )
  )
  .prefix("/api/v1/rates")
  .middleware(OpenAccess)
  .middleware(ProblemResponses)
  .annotateMerge(OpenApi.annotations({ title: "History" })) {}
