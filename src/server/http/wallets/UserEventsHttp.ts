import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { Api } from "../../../api/Api.ts"
import * as UserEventsSse from "../../stream/UserEventsSse.ts"

/** Handler of the events of a user. */
export const layer = HttpApiBuilder.group(
  Api,
  "userEvents",
  Effect.fn(function* (handlers) {
    const respond = yield* UserEventsSse.make
    return handlers.handleRaw("stream", ({ headers, query }) =>
      respond(headers["last-event-id"] ?? query.since)
    )
  })
)
