import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { RequireAdministrator } from "../access/HttpAuthorization.ts"
import { describe } from "../EndpointDescription.ts"
import * as Problem from "../Problem.ts"
import { ProblemResponses } from "../ProblemResponses.ts"
import { OverviewMessage, SettingsMessage } from "./OverviewMessage.ts"

/** The state and the settings of the service, for its operators. */
export class OverviewApi extends HttpApiGroup.make("overview")
  .add(
    HttpApiEndpoint.get("overview", "/overview", { success: OverviewMessage }).annotateMerge(
      describe(
        "Get the state of the service",
        "Returns health, polls, the backlog of administrators and the alerts whose conditions hold now, in one response that is cached for two seconds. While the database is unavailable, `poller` and `backlog` are null."
      )
    ),
    HttpApiEndpoint.get("settings", "/settings", {
      success: SettingsMessage,
      error: Problem.StoreUnavailable
    }).annotateMerge(
      describe(
        "List the settings in force",
        "Returns every setting of the node that responds, with its value and where it comes from. Values of secrets are never returned."
      )
    )
  )
  .prefix("/api/v1/admin")
  .middleware(RequireAdministrator)
  .middleware(ProblemResponses)
  .annotateMerge(
    OpenApi.annotations({
      title: "Operation",
      description: "The service at a glance. Requires an administrator, also in the sandbox."
    })
  ) {}
