import { Effect, Layer } from "effect"
import { HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { Api } from "../api/Api.ts"
import { ConversionAccess } from "../api/ConversionApi.ts"
import * as Problem from "../api/Problem.ts"
import { Settings } from "../config/Settings.ts"
import * as ConversionBody from "./ConversionBody.ts"
import * as ConversionRequests from "./ConversionRequests.ts"

/** The conversions and the quotes of the API. */
export const layer = HttpApiBuilder.group(
  Api,
  "conversion",
  Effect.fn(function* (handlers) {
    const requests = yield* ConversionRequests.make
    const readConvert = ConversionBody.read(ConversionBody.Convert)
    const readQuote = ConversionBody.read(ConversionBody.Quote)

    return handlers
      .handleRaw(
        "convert",
        Effect.fnUntraced(function* ({ headers, request }) {
          const idempotencyKey = yield* ConversionRequests.keyOf(headers["idempotency-key"])
          const body = yield* readConvert(request)
          const { replayed, body: answer } = yield* requests.convert(body, idempotencyKey)
          return HttpServerResponse.text(answer, {
            contentType: "application/json",
            headers: { "cache-control": "no-store", ...(replayed ? { "idempotency-replayed": "true" } : {}) }
          })
        })
      )
      .handleRaw("createQuote", ({ request }) => Effect.flatMap(readQuote(request), requests.createQuote))
      .handle("quote", ({ params }) => requests.quote(params.quote_id))
  })
)

/** Lets everybody pass where conversions are open to everybody, and nobody elsewhere. */
export const layerAccess = Layer.effect(
  ConversionAccess,
  Effect.gen(function* () {
    const { openConversions } = yield* Settings
    return ConversionAccess.of((endpoint) => (openConversions ? endpoint : Effect.fail(closed)))
  })
)

/** Why nobody may convert. */
export const closed = new Problem.Unauthorized({
  detail:
    "With Flutterwave's real rates, conversions, quotes and the audit are open only with ALLOW_ANONYMOUS_CONVERT=true"
})
