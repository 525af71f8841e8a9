import type { IncomingMessage, Server, ServerResponse } from "node:http"
import type { Duplex } from "node:stream"
import * as ConnectionUpgrades from "./ConnectionUpgrades.ts"
import * as HttpInternals from "./HttpInternals.ts"

/** Idle time after which the draining server closes a connection. A request in flight is still answered. */
const IDLE_TIMEOUT_MILLIS = 500
/** Maximum number of connections accepted after draining began: more than any backlog holds. */
const MAX_LATE_CONNECTIONS = 1024

interface Connection {
  /** The response to the latest request, which is sent last. */
  latest: ServerResponse | undefined
  idleSince: number
}

/** Tracks the connections of a server, so that it can drain without resetting any. */
export const track = (server: Server) => {
  const connections = new Map<Duplex, Connection>()
  let isKeepAliveEnabled = true
  HttpInternals.keepIdleConnectionsOnClose(server)

  const onRequest = (request: IncomingMessage, response: ServerResponse) => {
    if (!isKeepAliveEnabled) HttpInternals.closeAfter(response)
    const { socket } = request
    if (ConnectionUpgrades.isUpgraded(request)) {
      connections.delete(socket)
      socket.off("close", forget)
    }
    const connection = connections.get(socket)
    if (connection !== undefined) connection.latest = response
  }
  /** Shared by all sockets: a stream that is open for hours retains no closure. */
  function forget(this: Duplex) {
    connections.delete(this)
  }
  server.on("connection", (socket) => {
    connections.set(socket, { latest: undefined, idleSince: performance.now() })
    socket.on("close", forget)
  })

  /** Closes every connection after its latest response. */
  const disableKeepAlive = () => {
    isKeepAliveEnabled = false
    const now = performance.now()
    for (const connection of connections.values()) {
      connection.idleSince = now
      const { latest } = connection
      if (latest === undefined || latest.closed) continue
      HttpInternals.closeAfter(latest)
      latest.once("close", () => {
        connection.idleSince = performance.now()
      })
    }
  }

  /** Closes idle connections. Node does not count a connection as idle before its first request. */
  const closeIdle = () => {
    const now = performance.now()
    for (const [socket, connection] of connections) {
      if (connection.latest?.closed === false) connection.idleSince = now
      else if (now - connection.idleSince >= IDLE_TIMEOUT_MILLIS) socket.destroy()
    }
  }
  return { onRequest, disableKeepAlive, closeIdle }
}

/**
 * Stops listening once the accept queue is empty.
 *
 * Node accepts one connection per event-loop turn, and the kernel resets queued connections when the listener closes. So
 * the server closes right after a turn without a new connection.
 */
export const closeWhenAccepted = (server: Server, onClosed: () => void) => {
  let accepted = 0
  let previous = -1
  const count = () => accepted++
  const closeIfQuiet = () => {
    if (accepted !== previous && accepted < MAX_LATE_CONNECTIONS) {
      previous = accepted
      setImmediate(closeIfQuiet)
      return
    }
    server.off("connection", count)
    server.close(onClosed)
  }
  server.on("connection", count)
  setImmediate(closeIfQuiet)
}
