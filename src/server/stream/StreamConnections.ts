import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import * as NodeWS from "@effect/platform-node/NodeWS"
import { Context, Effect, Layer, Metric, Option, Schedule } from "effect"
import type { Duration, Scope } from "effect"
import { HttpServerRequest } from "effect/http"
import type { Socket } from "node:net"
import { RateLimited } from "../../api/Problem.ts"
import type { SessionId } from "../../domain/accounts/Session.ts"
import { Settings } from "../../config/Settings.ts"
import * as StreamMetrics from "../../platform/metrics/StreamMetrics.ts"
import * as RequestId from "../../platform/RequestId.ts"
import { Drain } from "../Drain.ts"
import { EndedSessions } from "../../accounts/sessions/EndedSessions.ts"
import * as RequestSession from "../middleware/access/RequestSession.ts"
import * as ClientAddress from "../middleware/addresses/ClientAddress.ts"
import * as ConnectionUpgrades from "../node/ConnectionUpgrades.ts"
import { MESSAGE_LIMITS, WebSocket } from "./WebSocket.ts"

/** Unsent bytes at which a client is disconnected. A snapshot of all rates is a few kilobytes. */
const MAX_UNSENT_BYTES = 1024 * 1024
/** Time that clients have to close their connection during shutdown. */
const CLOSE_TIMEOUT = "1 second"

/** Timeouts after which clients are disconnected. Tests shorten them. */
export class StreamTimeouts extends Context.Reference<{
  /** Time without progress while bytes are unsent. */
  readonly stallSeconds: number
  /** Interval of WebSocket pings. A client has to answer a ping before the next one. */
  readonly pingInterval: Duration.Input
  /** Time in which a client of a user WebSocket without an `Authorization` header has to send its access token. */
  readonly authentication: Duration.Input
}>("effex/server/stream/StreamTimeouts", {
  defaultValue: () => ({ stallSeconds: 10, pingInterval: "10 seconds", authentication: "10 seconds" })
}) {}

/** Tracks the long-lived connections: limits them per address, and disconnects stalled and dead clients. */
export class StreamConnections extends Context.Service<
  StreamConnections,
  {
    /** Registers the connection of the current request until the scope closes. Fails if its address has too many. */
    readonly acquire: (
      transport: Transport
    ) => Effect.Effect<Socket, RateLimited, Scope.Scope | HttpServerRequest.HttpServerRequest>
    /** Registers the connection of a request until {@link release}. Fails if its address has too many. */
    readonly register: (
      request: HttpServerRequest.HttpServerRequest,
      transport: Transport
    ) => Effect.Effect<StreamConnection, RateLimited>
    readonly release: (connection: StreamConnection) => void
    /** Ends a connection with a session that it was not opened with, but authenticated with later. */
    readonly endWithSession: (connection: StreamConnection, session: SessionId) => void
    /**
     * Upgrades a request to a WebSocket with heartbeats. It is paused, so that no message is lost before a handler is
     * attached. Interrupts if the client has disconnected, or the request was upgraded before.
     */
    readonly upgrade: (request: HttpServerRequest.HttpServerRequest) => Effect.Effect<WebSocket>
  }
>()("effex/server/stream/StreamConnections") {
  static readonly layer = Layer.effect(
    StreamConnections,
    Effect.gen(function* () {
      const { streamsPerAddress } = yield* Settings
      const { pingInterval, stallSeconds } = yield* StreamTimeouts
      const drain = yield* Drain
      const { onEnd } = yield* EndedSessions
      const context = yield* Effect.context<never>()
      const countByAddress = new Map<string, number>()
      const connections = new Set<StreamConnection>()
      const webSocketServer = new NodeWS.WebSocketServer({
        noServer: true,
        ...MESSAGE_LIMITS,
        // Handles one message per turn of the event loop, so that a client that sends many does not block the others.
        allowSynchronousEvents: false,
        WebSocket
      })
      /** Seconds since the start, counted by the stall check. */
      let tick = 0

      const endWithSession: StreamConnections["Service"]["endWithSession"] = (connection, session) => {
        connection.removeListener = onEnd(session, () => connection.end())
      }

      const register: StreamConnections["Service"]["register"] = (request, transport) =>
        Effect.suspend(() => {
          const { socket } = NodeHttpServerRequest.toIncomingMessage(request)
          const address = ClientAddress.of(request)
          const count = countByAddress.get(address) ?? 0
          if (Option.isSome(streamsPerAddress) && count >= streamsPerAddress.value) {
            const detail = `${count} streams are open from this address, which is the maximum; close one first`
            return Effect.fail(new RateLimited({ detail }))
          }
          countByAddress.set(address, count + 1)
          const connection = new StreamConnection(socket, transport, address, tick)
          connections.add(connection)
          const session = RequestSession.of(request.source)
          if (session !== undefined) endWithSession(connection, session)
          gauges[transport].modifyUnsafe(1, context)
          return Effect.succeed(connection)
        })

      const release: StreamConnections["Service"]["release"] = (connection) => {
        if (!connections.delete(connection)) return
        const { address, transport } = connection
        connection.removeListener?.()
        const remaining = (countByAddress.get(address) ?? 1) - 1
        if (remaining === 0) countByAddress.delete(address)
        else countByAddress.set(address, remaining)
        gauges[transport].modifyUnsafe(-1, context)
      }

      const acquire: StreamConnections["Service"]["acquire"] = Effect.fnUntraced(function* (transport) {
        const request = yield* HttpServerRequest.HttpServerRequest
        const { socket } = yield* Effect.acquireRelease(register(request, transport), (connection) =>
          Effect.sync(() => release(connection))
        )
        return socket
      })

      const upgrade: StreamConnections["Service"]["upgrade"] = (request) =>
        Effect.withFiber((fiber) => {
          const detached = ConnectionUpgrades.takeConnection(request)
          if (detached === undefined) return Effect.interrupt
          const { head, incoming, socket } = detached
          let upgraded: WebSocket | undefined
          webSocketServer.handleUpgrade(incoming, socket, head, (webSocket) => {
            webSocket.trackLiveness()
            webSocket.pause()
            const id = RequestId.ofRequest(request.source, incoming.headers, RequestId.spanTraceId(fiber))
            webSocket.traceId = id.traceId
            upgraded = webSocket
          })
          return upgraded === undefined ? Effect.interrupt : Effect.succeed(upgraded)
        })

      const disconnectStalled = Effect.suspend(() => {
        tick++
        let disconnected = 0
        for (const connection of connections) {
          const { socket } = connection
          if (socket.destroyed) continue
          // Node's bytesWritten includes the bytes that it still buffers.
          const sentBytes = socket.bytesWritten - socket.writableLength
          if (socket.writableLength === 0 || sentBytes !== connection.sentBytes) {
            connection.sentBytes = sentBytes
            connection.progressedAt = tick
          }
          const isStalled = tick - connection.progressedAt >= stallSeconds
          if (socket.writableLength <= MAX_UNSENT_BYTES && !isStalled) continue
          socket.destroy()
          disconnected++
        }
        return Metric.update(StreamMetrics.disconnects, disconnected)
      })

      const pingWebSockets = Effect.suspend(() => {
        let disconnected = 0
        for (const webSocket of webSocketServer.clients) {
          if (webSocket.readyState !== NodeWS.WebSocket.OPEN) continue
          if (webSocket.isAlive) {
            webSocket.isAlive = false
            webSocket.ping()
          } else {
            webSocket.terminate()
            disconnected++
          }
        }
        return Metric.update(StreamMetrics.disconnects, disconnected)
      })

      yield* Effect.forkScoped(Effect.repeat(disconnectStalled, Schedule.spaced("1 second")))
      yield* Effect.forkScoped(Effect.repeat(pingWebSockets, Schedule.spaced(pingInterval)))
      yield* drain.awaitEndOfStreams.pipe(
        Effect.andThen(Effect.sleep(CLOSE_TIMEOUT)),
        Effect.andThen(
          Effect.sync(() => {
            for (const { socket } of connections) socket.destroy()
            for (const webSocket of webSocketServer.clients) webSocket.terminate()
          })
        ),
        Effect.forkScoped
      )

      return StreamConnections.of({ acquire, register, release, endWithSession, upgrade })
    })
  )
}

export type Transport = "websocket" | "sse" | "rpc"

/** One stream of a client. Pipelined requests can have several streams on one socket. */
export class StreamConnection {
  readonly socket: Socket
  readonly transport: Transport
  readonly address: string
  /** Number of bytes sent to the client, and the tick at which it last changed. */
  sentBytes: number
  progressedAt: number

  /** Ends the connection when the session of its user ends. */
  end: () => void
  removeListener: (() => void) | undefined

  constructor(socket: Socket, transport: Transport, address: string, progressedAt: number) {
    this.socket = socket
    this.transport = transport
    this.address = address
    this.sentBytes = socket.bytesWritten
    this.end = () => socket.destroy()
    this.progressedAt = progressedAt
  }
}

const gauges: Record<Transport, Metric.Gauge<number>> = {
  websocket: StreamMetrics.connections.of({ transport: "websocket" }),
  sse: StreamMetrics.connections.of({ transport: "sse" }),
  rpc: StreamMetrics.connections.of({ transport: "rpc" })
}
