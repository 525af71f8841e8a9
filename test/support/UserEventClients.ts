import { Effect } from "effect"
import * as SocketClient from "./SocketClient.ts"
import * as SseClient from "./SseClient.ts"
import { TestServer } from "./TestServer.ts"

export const SSE_PATH = "/api/v1/accounts/events"
export const SOCKET_PATH = "/ws/accounts/events/"

/** Opens the SSE stream of a user, after its first field. */
export const sse = Effect.fnUntraced(function* (
  headers: Readonly<Record<string, string>>,
  query = "",
  url?: string
) {
  const server = url ?? (yield* TestServer).url
  const client = yield* SseClient.open(server + SSE_PATH + query, headers)
  if (client.response.status === 200) yield* client.block
  return client
})

/** Opens the WebSocket of a user. */
export const webSocket = Effect.fnUntraced(function* (
  headers: Readonly<Record<string, string>> = {},
  query = ""
) {
  const { url } = yield* TestServer
  return yield* SocketClient.open(url + SOCKET_PATH + query, { headers })
})
