import { Effect } from "effect"
import { HttpServerRequest, type HttpServerResponse } from "effect/http"
import { InvalidRequest } from "../api/Problem.ts"
import * as Problems from "./Problems.ts"

/** Whether a request asks to become a WebSocket. */
export const asks = (headers: { readonly [name: string]: unknown }): boolean =>
  String(headers["upgrade"]).toLowerCase() === "websocket"

const refusal = new InvalidRequest({ detail: "A WebSocket answers here: connect with ws:// or wss://" })

/** Refuses what does not ask to become a WebSocket. */
export const only = Effect.fnUntraced(function* <E, R>(
  endpoint: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
) {
  const { headers, upgrade } = yield* HttpServerRequest.HttpServerRequest
  // Node upgrades no request whose `Connection` does not ask for it, nor one whose path is written in another way.
  const canBe = asks(headers) && (yield* Effect.isSuccess(upgrade))
  return yield* canBe ? endpoint : Problems.respond(refusal)
})
