import { Effect, Option } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import type { Problem } from "../../api/Problem.ts"
import * as Problems from "../middleware/Problems.ts"
import type { StreamConnections } from "./StreamConnections.ts"
import { closeOnDefect, type WebSocket } from "./WebSocket.ts"
import * as WebSocketMessages from "./WebSocketMessages.ts"

/** A kind of stream position. */
interface PositionFormat<Position> {
  /** Description of a valid text, for error messages. */
  readonly ALLOWED: string
  readonly parse: (text: string) => Option.Option<Position>
}

/** Returns the position from which the client resumes, from the query parameter `since`. */
export const sinceOf = Effect.fnUntraced(function* <Position>({ ALLOWED, parse }: PositionFormat<Position>) {
  const { since } = yield* HttpServerRequest.ParsedSearchParams
  if (since === undefined) return undefined
  const parsed = typeof since === "string" ? parse(since) : Option.none()
  return Option.isSome(parsed) ? parsed.value : yield* Problems.invalid("/query/since", `expected ${ALLOWED}`)
})

/** Upgrades the current request, and opens its WebSocket. A problem is sent to the client, and closes the connection. */
export const accept = Effect.fnUntraced(function* <R>(
  { upgrade }: StreamConnections["Service"],
  open: (webSocket: WebSocket) => Effect.Effect<void, Problem, R>
) {
  const webSocket = yield* upgrade(yield* HttpServerRequest.HttpServerRequest)
  yield* open(webSocket).pipe(
    Effect.catch((problem) => Effect.sync(() => WebSocketMessages.reject(webSocket, problem))),
    closeOnDefect(webSocket),
    Effect.ensuring(Effect.sync(() => webSocket.resume()))
  )
  // The request ends here; the connection stays open.
  return HttpServerResponse.empty({ status: 101 })
})
