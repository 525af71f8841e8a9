import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { AdminAccess } from "../access/AdminAccess.ts"
import * as PageMessage from "../PageMessage.ts"
import { PollerBody, PollerChangePage, PollerMessage } from "./PollerMessage.ts"
import { OperatorPollMessage } from "./PollMessage.ts"
import * as Problem from "../Problem.ts"
import { ProblemResponses } from "../ProblemResponses.ts"

const describe = (summary: string, description: string) => OpenApi.annotations({ summary, description })

const changed = {
  headers: { "if-match": Schema.optionalKey(Schema.String) },
  success: PollerMessage,
  error: [Problem.PreconditionFailed, Problem.StoreUnavailable]
} as const

/** What operators look at and change of the polls. */
export class PollerApi extends HttpApiGroup.make("poller")
  .add(
    HttpApiEndpoint.get("poller", "/poller", {
      success: PollerMessage,
      error: Problem.StoreUnavailable
    }).annotateMerge(
      describe("How rates are polled", "And since when, by whose wish, and when the next poll is due.")
    ),
    HttpApiEndpoint.put("change", "/poller", { ...changed, payload: PollerBody }).annotateMerge(
      describe(
        "Change how rates are polled",
        "On all nodes within two seconds, and after restarts: what the database keeps counts, and POLL_INTERVAL does not. A poll that is under way is finished; polling that is turned on begins at once. With `If-Match` and an `ETag` of before, only where nobody else has changed it since."
      )
    ),
    HttpApiEndpoint.delete("reset", "/poller", changed).annotateMerge(
      describe("Go back to POLL_INTERVAL", "As each node has it. `If-Match` as for a change.")
    ),
    HttpApiEndpoint.get("changes", "/poller/changes", {
      query: PageMessage.query,
      success: PollerChangePage,
      error: Problem.StoreUnavailable
    }).annotateMerge(describe("Who changed it, newest first", "A page at a time; follow `next` to the end.")),
    HttpApiEndpoint.post("run", "/poller/runs", {
      success: OperatorPollMessage.pipe(HttpApiSchema.status(202)),
      error: Problem.StoreUnavailable
    }).annotateMerge(
      describe(
        "Poll now",
        "Whether polling is on or off, and whichever node is asked: it polls by itself. Polls never overlap: while one is under way anywhere, that one is answered, so that asking twice does no harm. `Location` leads to what comes of it."
      )
    )
  )
  .prefix("/api/v1/admin")
  .middleware(AdminAccess)
  .middleware(ProblemResponses)
  .annotateMerge(OpenApi.annotations({ title: "Poller" })) {}
