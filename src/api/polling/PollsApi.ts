import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { PollId } from "../../domain/rates/PollRun.ts"
import { OptionalAuthentication } from "../access/HttpAuthorization.ts"
import * as PageMessage from "../PageMessage.ts"
import { PollDetailsMessage, PollPage } from "./PollMessage.ts"
import { describe } from "../EndpointDescription.ts"
import * as Problem from "../Problem.ts"
import { ProblemResponses } from "../ProblemResponses.ts"

/** Poll runs and their outcomes. */
export class PollsApi extends HttpApiGroup.make("polls")
  .add(
    HttpApiEndpoint.get("list", "/polls", {
      query: PageMessage.query,
      success: PollPage,
      error: Problem.StoreUnavailable
    }).annotateMerge(
      describe("List polls", "Returns poll runs, newest first. Follow `next` for more pages.")
    ),
    HttpApiEndpoint.get("poll", "/polls/:run_id", {
      params: { run_id: PollId },
      success: PollDetailsMessage,
      error: [Problem.NotFound, Problem.StoreUnavailable]
    }).annotateMerge(
      describe("Get a poll", "Returns a poll run with the pairs that it failed to refresh, and the reasons.")
    )
  )
  .prefix("/api/v1")
  .middleware(OptionalAuthentication)
  .middleware(ProblemResponses)
  .annotateMerge(OpenApi.annotations({ title: "Polls", description: "Results of past polls." })) {}
