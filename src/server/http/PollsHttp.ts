import { Effect, Schema } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { Api } from "../../api/Api.ts"
import { pollDetails, pollFields, PollId } from "../../domain/rates/PollRun.ts"
import { Polls } from "../../rates/polling/Polls.ts"
import * as Pagination from "../encoding/Pagination.ts"
import * as Problems from "../middleware/Problems.ts"

/** Handlers of the polls API. */
export const layer = HttpApiBuilder.group(
  Api,
  "polls",
  Effect.fn(function* (handlers) {
    const polls = yield* Polls

    return handlers.handleAll({
      list: Effect.fnUntraced(function* ({ query }) {
        const before = yield* Pagination.decodeCursor(query.cursor, Schema.decodeEffect(PollId))
        const size = Pagination.sizeOf(query)
        const found = yield* polls.page(before, size + 1).pipe(Effect.catchTags(Problems.storeErrors))
        return Pagination.pageOf(found, size, pollFields, ({ id }) => id)
      }),

      poll: ({ params }) =>
        polls.byId(params.run_id).pipe(Effect.map(pollDetails), Effect.catchTags(Problems.pollErrors))
    })
  })
)
