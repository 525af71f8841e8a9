import { NodeHttpServerRequest, NodeWS } from "@effect/platform-node"
import { Context, Effect, Layer, Metric, Option, Schedule } from "effect"
import type { Scope } from "effect"
import { HttpServerRequest } from "effect/http"
import type { Socket } from "node:net"
import { RateLimited } from "../api/Problem.ts"
import { Settings } from "../config/Settings.ts"
import * as Metrics from "../platform/Metrics.ts"
import { Drain } from "./Drain.ts"
import * as RemoteAddress from "./RemoteAddress.ts"

/** The largest message that a client may send. */
export const MAX_MESSAGE_BYTES = 64 * 1024
/** What may wait for a reader before it is cut: the newest rates are a few kilobytes. */
const MAX_WAITING_BYTES = 1024 * 1024
/** How long a reader may take nothing of what waits for it. */
const STALL_SECONDS = 10
/** How often a WebSocket is asked whether it is still there; it is cut where the answer to the one before is missing. */
const HEARTBEAT = "10 seconds"
/** How long clients have to close when the server stops, before they are cut. */
const CLOSE_GRACE = "1 second"

/** The connections that stay open to be told of changes. */
export class StreamConnections extends Context.Service<
  StreamConnections,
  {
    /**
     * Counts the connection of the request for as long as the scope is open, and cuts it when it does not drain. Fails
     * where its address has too many already.
     */
    readonly enter: (
      transport: Transport
    ) => Effect.Effect<Socket, RateLimited, Scope.Scope | HttpServerRequest.HttpServerRequest>
    /** What the server makes of an upgraded connection: one that is asked for a sign of life. */
    readonly WebSocket: typeof NodeWS.WebSocket
  }
>()("effex/server/StreamConnections") {
  static readonly layer = Layer.effect(
    StreamConnections,
    Effect.suspend(() => make)
  )
}

export type Transport = "websocket" | "sse" | "rpc"

const make = Effect.gen(function* () {
  const { streamsPerAddress } = yield* Settings
  const drain = yield* Drain
  const perAddress = new Map<string, number>()
  const sockets = new Map<Socket, { streams: number; written: number; since: number }>()
  const webSockets = new Map<NodeWS.WebSocket, { alive: boolean }>()
  let second = 0

  /** Runs as a field of a connection that has just been upgraded. */
  const watch = (webSocket: NodeWS.WebSocket) => {
    const state = { alive: true }
    webSockets.set(webSocket, state)
    webSocket.on("pong", () => {
      state.alive = true
    })
    webSocket.on("close", () => webSockets.delete(webSocket))
    return state
  }

  class WatchedWebSocket extends NodeWS.WebSocket {
    readonly signs = watch(this)
  }

  const enter: StreamConnections["Service"]["enter"] = Effect.fnUntraced(function* (transport) {
    const request = yield* HttpServerRequest.HttpServerRequest
    const { socket } = NodeHttpServerRequest.toIncomingMessage(request)
    const address = RemoteAddress.of(request)
    const count = perAddress.get(address) ?? 0
    if (Option.isSome(streamsPerAddress) && count >= streamsPerAddress.value) {
      return yield* new RateLimited({
        detail: `${count} streams are open from this address, which is as many as there may be`
      })
    }
    const gauge = connectionsBy[transport]
    yield* Effect.acquireRelease(
      Effect.sync(() => {
        perAddress.set(address, (perAddress.get(address) ?? 0) + 1)
        // Requests that were sent one after another, without waiting, share their connection.
        const state = sockets.get(socket) ?? { streams: 0, written: socket.bytesWritten, since: second }
        state.streams++
        sockets.set(socket, state)
        return state
      }).pipe(Effect.tap(Metric.modify(gauge, 1))),
      (state) =>
        Effect.sync(() => {
          const left = (perAddress.get(address) ?? 1) - 1
          if (left === 0) perAddress.delete(address)
          else perAddress.set(address, left)
          if (--state.streams === 0) sockets.delete(socket)
        }).pipe(Effect.andThen(Metric.modify(gauge, -1)))
    )
    return socket
  })

  const cutWhoeverStalls = Effect.suspend(() => {
    second++
    let cut = 0
    for (const [socket, state] of sockets) {
      // Node counts as written what it still holds.
      const drained = socket.bytesWritten - socket.writableLength
      if (socket.writableLength === 0 || drained !== state.written) {
        state.written = drained
        state.since = second
      }
      if (socket.writableLength <= MAX_WAITING_BYTES && second - state.since < STALL_SECONDS) continue
      socket.destroy()
      cut++
    }
    return Metric.update(Metrics.streamsCut, cut)
  })

  const askForSigns = Effect.suspend(() => {
    let cut = 0
    for (const [webSocket, state] of webSockets) {
      if (webSocket.readyState !== NodeWS.WebSocket.OPEN) continue
      if (state.alive) {
        state.alive = false
        webSocket.ping()
      } else {
        webSocket.terminate()
        cut++
      }
    }
    return Metric.update(Metrics.streamsCut, cut)
  })

  yield* Effect.forkScoped(Effect.repeat(cutWhoeverStalls, Schedule.spaced("1 second")))
  yield* Effect.forkScoped(Effect.repeat(askForSigns, Schedule.spaced(HEARTBEAT)))
  yield* drain.begun.pipe(
    Effect.andThen(Effect.sleep(CLOSE_GRACE)),
    Effect.andThen(
      Effect.sync(() => {
        for (const socket of sockets.keys()) socket.destroy()
        for (const webSocket of webSockets.keys()) webSocket.terminate()
      })
    ),
    Effect.forkScoped
  )

  return StreamConnections.of({ enter, WebSocket: WatchedWebSocket })
})

const connectionsBy: Record<Transport, Metric.Gauge<number>> = {
  websocket: Metrics.streamConnections.of({ transport: "websocket" }),
  sse: Metrics.streamConnections.of({ transport: "sse" }),
  rpc: Metrics.streamConnections.of({ transport: "rpc" })
}
