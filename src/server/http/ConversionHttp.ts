import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { Caller } from "../../api/access/Caller.ts"
import { Api } from "../../api/Api.ts"
import * as CommittedConversion from "../../conversion/CommittedConversion.ts"
import { converterOf } from "../../domain/access/Principal.ts"
import * as ConversionBody from "../encoding/ConversionBody.ts"
import * as IdempotentResponse from "../encoding/IdempotentResponse.ts"
import * as IdempotencyKey from "../encoding/IdempotencyKey.ts"
import { ConversionRequests } from "./ConversionRequests.ts"

/** Handlers of `POST /convert`, `POST /quotes` and `GET /quotes/:quote_id`. */
export const layer = HttpApiBuilder.group(
  Api,
  "conversion",
  Effect.fn(function* (handlers) {
    const requests = yield* ConversionRequests
    const converter = Effect.map(Caller, converterOf)

    return handlers
      .handleRaw(
        "convert",
        Effect.fnUntraced(function* ({ request }) {
          const idempotencyKey = yield* IdempotencyKey.ofRequest(request)
          const body = yield* ConversionBody.readConvert(request)
          const outcome = yield* requests.convert(body, idempotencyKey, yield* converter)
          return IdempotentResponse.respond(200, CommittedConversion.toJson(outcome), outcome.replayed)
        })
      )
      .handleRaw(
        "createQuote",
        Effect.fnUntraced(function* ({ request }) {
          return yield* requests.createQuote(yield* ConversionBody.readQuote(request), yield* converter)
        })
      )
      .handle("quote", ({ params }) =>
        Effect.flatMap(converter, (identity) => requests.quote(params.quote_id, identity))
      )
  })
)
