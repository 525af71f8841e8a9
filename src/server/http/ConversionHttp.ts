import { Effect } from "effect"
import { HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { Api } from "../../api/Api.ts"
import { Caller } from "../../api/access/Caller.ts"
import * as ConversionBody from "./ConversionBody.ts"
import * as ConversionRequests from "./ConversionRequests.ts"

/** The conversions and the quotes of the API. */
export const layer = HttpApiBuilder.group(
  Api,
  "conversion",
  Effect.fn(function* (handlers) {
    const requests = yield* ConversionRequests.make

    return handlers
      .handleRaw(
        "convert",
        Effect.fnUntraced(function* ({ headers, request }) {
          const idempotencyKey = yield* Effect.fromResult(
            ConversionRequests.keyOf(headers["idempotency-key"])
          )
          const body = yield* ConversionBody.readConvert(request)
          const { replayed, body: answer } = yield* requests.convert(body, idempotencyKey, yield* Caller)
          return HttpServerResponse.text(answer, {
            contentType: "application/json",
            headers: { "cache-control": "no-store", ...(replayed ? { "idempotency-replayed": "true" } : {}) }
          })
        })
      )
      .handleRaw(
        "createQuote",
        Effect.fnUntraced(function* ({ request }) {
          return yield* requests.createQuote(yield* ConversionBody.readQuote(request), yield* Caller)
        })
      )
      .handle("quote", ({ params }) => requests.quote(params.quote_id))
  })
)
