import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { PollId } from "../../domain/rates/PollRun.ts"
import { OpenAccess } from "../access/HttpAccess.ts"
import * as PageMessage from "../PageMessage.ts"
import { PollDetailsMessage, PollPage } from "./PollMessage.ts"
import * as Problem from "../Problem.ts"
import { ProblemResponses } from "../ProblemResponses.ts"

const describe = (summary: string, description = "") => OpenApi.annotations({ summary, description })

/** The polls: when rates were asked for, and what came of it. */
export class PollsApi extends HttpApiGroup.make("polls")
  .add(
    HttpApiEndpoint.get("list", "/polls", {
      query: PageMessage.query,
      success: PollPage,
      error: Problem.StoreUnavailable
    }).annotateMerge(describe("The polls, newest first", "A page at a time; follow `next` to the end.")),
    HttpApiEndpoint.get("poll", "/polls/:run_id", {
      params: { run_id: PollId },
      success: PollDetailsMessage,
      error: [Problem.NotFound, Problem.StoreUnavailable]
    }).annotateMerge(describe("One poll, with the pairs that it could not refresh, and why"))
  )
  .prefix("/api/v1")
  .middleware(OpenAccess)
  .middleware(ProblemResponses)
  .annotateMerge(OpenApi.annotations({ title: "Polls" })) {}
