import { Schema } from "effect"
import { HttpApi, HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { EventPositionText } from "../../domain/wallets/EventPosition.ts"
import { RequireUser } from "../access/HttpAuthorization.ts"
import { describe } from "../EndpointDescription.ts"
import * as Problem from "../Problem.ts"
import { ProblemResponses } from "../ProblemResponses.ts"
import { UserSseEvent } from "./UserSseEvent.ts"

/** The events of a user as they happen. */
export class UserEventsApi extends HttpApiGroup.make("userEvents")
  .add(
    HttpApiEndpoint.get("stream", "/accounts/events", {
      query: { since: Schema.optionalKey(EventPositionText) },
      headers: { "last-event-id": Schema.optionalKey(EventPositionText) },
      success: HttpApiSchema.StreamSse({ events: UserSseEvent }),
      error: [Problem.RateLimited, Problem.StoreUnavailable]
    })
      // Some clients of event streams add a parameter when they reconnect.
      .annotate(HttpApi.QueryParseOptions, { onExcessProperty: "ignore" })
      .annotateMerge(
        describe(
          "Stream my events (SSE)",
          "Sends a `snapshot` of all balances, and then the events `balance`, `transaction`, `order` and `security`. The id of an event is a position. To resume, send it as `Last-Event-ID` or `since`: the stream first sends everything that was missed. Only an `order` may be repeated, in its newest state. After more than 1000 missed events, or with a position of another database, it sends a `gap` instead; `GET /api/v1/transactions` has the transactions. The stream ends with the session. An API key that acts for the user receives no `security` events."
        )
      )
  )
  .prefix("/api/v1")
  .middleware(RequireUser)
  .middleware(ProblemResponses)
  .annotateMerge(
    OpenApi.annotations({
      title: "Events",
      description: "Balances, transactions, orders and security events of a user, as they happen."
    })
  ) {}
