import { EffexError, notSignedIn } from "../EffexError.ts"
import { authorize, type ServerAccess } from "../Requests.ts"
import type { ConnectionHandlers } from "./StreamConnection.ts"
import * as SseConnection from "./SseConnection.ts"
import * as WebSocketConnection from "./WebSocketConnection.ts"

/** Opens connections of a user. All of them are for the same session: a resumed stream is never that of another user. */
export const make = (access: ServerAccess, isWebSocket: boolean) => {
  const { url } = access
  const overSse = SseConnection.make(url, "/api/v1/accounts/events")
  // A page can set no headers on a WebSocket, so the access token is the first message.
  const overWebSocket = WebSocketConnection.make(url, "/ws/accounts/events/", ({ credentials }) => [
    { type: "authenticate", token: credentials.headers["authorization"]?.replace(/^Bearer /, "") }
  ])
  let identity: string | undefined
  let isRenewed = false

  return async (position: string | undefined, handlers: ConnectionHandlers, signal: AbortSignal) => {
    const credentials = await authorize(access, "user", signal).catch((error: unknown) => {
      // The stream was closed meanwhile, so the error is not needed.
      if (signal.aborted) return undefined
      throw error
    })
    if (credentials === undefined) return
    if (identity !== undefined && identity !== credentials.identity) throw notSignedIn()
    identity = credentials.identity
    const actsForUser = "effex-on-behalf-of" in credentials.headers
    const connect = isWebSocket && !actsForUser ? overWebSocket : overSse
    const onOpen = () => {
      isRenewed = false
      handlers.onOpen()
    }
    try {
      await connect({ position, credentials }, { ...handlers, onOpen }, signal)
    } catch (error) {
      if (!(error instanceof EffexError) || error.status !== 401 || access.user === undefined) throw error
      const isRefused = !(await access.user.refused(credentials, error))
      if (isRefused || isRenewed) throw error
      isRenewed = true
    }
  }
}
