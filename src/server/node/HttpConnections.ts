import type { IncomingMessage, Server, ServerResponse } from "node:http"
import type { Duplex } from "node:stream"
import * as ConnectionUpgrades from "./ConnectionUpgrades.ts"

/** For how long nothing is asked on a connection before it is closed: what is on its way here is still answered. */
const QUIET_MILLIS = 500
/** How many callers are accepted after the end has come: more than can wait at once. */
const MAX_LAST_CALLERS = 1024

interface Connection {
  /** The answer to what was asked last, which is given last. */
  last: ServerResponse | undefined
  quietSince: number
}

/** Knows the connections, and on which of them something is asked. */
export const watch = (server: Server) => {
  const connections = new Map<Duplex, Connection>()
  let keeps = true
  // Node would close those that are idle when it begins to stop, also where a request is on its way.
  server.closeIdleConnections = () => {}

  const begin = (request: IncomingMessage, response: ServerResponse) => {
    if (!keeps) response.shouldKeepAlive = false
    const { socket } = request
    if (ConnectionUpgrades.isUpgraded(request)) {
      connections.delete(socket)
      socket.off("close", forget)
    }
    const connection = connections.get(socket)
    if (connection !== undefined) connection.last = response
  }
  /** One for all: a stream that is open for hours holds nothing of this. */
  function forget(this: Duplex) {
    connections.delete(this)
  }
  server
    .on("connection", (socket) => {
      connections.set(socket, { last: undefined, quietSince: performance.now() })
      socket.on("close", forget)
    })
    .on("checkContinue", begin)

  const keepNone = () => {
    keeps = false
    const now = performance.now()
    for (const connection of connections.values()) {
      connection.quietSince = now
      const { last } = connection
      if (last === undefined || last.closed) continue
      last.shouldKeepAlive = false
      last.once("close", () => {
        connection.quietSince = performance.now()
      })
    }
  }

  /** To Node, a connection that has sent nothing yet is not idle until its headers are overdue. */
  const closeQuiet = () => {
    const now = performance.now()
    for (const [socket, connection] of connections) {
      if (connection.last?.closed === false) connection.quietSince = now
      else if (now - connection.quietSince >= QUIET_MILLIS) socket.destroy()
    }
  }
  return { begin, keepNone, closeQuiet }
}

/**
 * Node accepts one caller in each turn of its loop, and the system resets those who still wait when nobody listens any
 * more: so the server is closed right after a turn in which nobody came.
 */
export const closeWhenNobodyWaits = (server: Server, onClosed: () => void) => {
  let callers = 0
  let before = -1
  const accept = () => callers++
  const look = () => {
    if (callers !== before && callers < MAX_LAST_CALLERS) {
      before = callers
      setImmediate(look)
      return
    }
    server.off("connection", accept)
    server.close(onClosed)
  }
  server.on("connection", accept)
  setImmediate(look)
}
