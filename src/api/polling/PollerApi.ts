import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { RequireAdminScope } from "../access/HttpAuthorization.ts"
import * as PageMessage from "../PageMessage.ts"
import { PollerBody, PollerChangePage, PollerMessage } from "./PollerMessage.ts"
import { OperatorPollMessage } from "./PollMessage.ts"
import { describe } from "../EndpointDescription.ts"
import * as Problem from "../Problem.ts"
import { ProblemResponses } from "../ProblemResponses.ts"
import { reasonQuery } from "../ReasonQuery.ts"

const changed = {
  query: reasonQuery,
  headers: { "if-match": Schema.optionalKey(Schema.String) },
  success: PollerMessage,
  error: [Problem.PreconditionFailed, Problem.StoreUnavailable]
} as const

/** Admin endpoints of the poller: its setting, and polls on demand. */
export class PollerApi extends HttpApiGroup.make("poller")
  .add(
    HttpApiEndpoint.get("poller", "/poller", {
      success: PollerMessage,
      error: Problem.StoreUnavailable
    }).annotateMerge(
      describe(
        "Get the poller setting",
        "Returns the interval in effect, who changed it and when, and when the next poll is due."
      )
    ),
    HttpApiEndpoint.put("change", "/poller", { ...changed, payload: PollerBody }).annotateMerge(
      describe(
        "Change the poller setting",
        "Takes effect on all nodes within two seconds and survives restarts. The setting is stored in the database and overrides POLL_INTERVAL. A running poll completes. Enabling polling starts a poll immediately. To prevent lost updates, send the `ETag` of the current setting as `If-Match`: the request fails with `precondition-failed` if the setting was changed in between. `reason` is recorded in the log of administrators."
      )
    ),
    HttpApiEndpoint.delete("reset", "/poller", changed).annotateMerge(
      describe(
        "Reset the poller setting",
        "Deletes the stored setting, so that POLL_INTERVAL of each node is in effect again. Supports `If-Match` like a change."
      )
    ),
    HttpApiEndpoint.get("changes", "/poller/changes", {
      query: PageMessage.query,
      success: PollerChangePage,
      error: Problem.StoreUnavailable
    }).annotateMerge(
      describe(
        "List changes of the poller setting",
        "Returns who changed the setting and when, newest first. Follow `next` for more pages."
      )
    ),
    HttpApiEndpoint.post("run", "/poller/runs", {
      query: reasonQuery,
      success: OperatorPollMessage.pipe(HttpApiSchema.status(202)),
      error: [Problem.StoreUnavailable, Problem.ClockSkewed]
    }).annotateMerge(
      describe(
        "Start a poll",
        "Starts a poll on the node that receives the request, even if scheduled polling is off. Polls never overlap: if a poll is already running on any node, the response describes that poll, so it is safe to retry. `Location` is the URL of the poll."
      )
    )
  )
  .prefix("/api/v1/admin")
  .middleware(RequireAdminScope)
  .middleware(ProblemResponses)
  .annotateMerge(
    OpenApi.annotations({
      title: "Poller",
      description:
        "Schedule of the poller. Requires an API key with the scope `admin`, except in the sandbox."
    })
  ) {}
