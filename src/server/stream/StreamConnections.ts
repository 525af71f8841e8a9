import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import * as NodeWS from "@effect/platform-node/NodeWS"
import { Context, Effect, Layer, Metric, Option, Schedule } from "effect"
import type { Scope } from "effect"
import { HttpServerRequest } from "effect/http"
import type { Socket } from "node:net"
import { RateLimited } from "../../api/Problem.ts"
import { Settings } from "../../config/Settings.ts"
import * as Metrics from "../../platform/telemetry/Metrics.ts"
import { Drain } from "../Drain.ts"
import * as ClientAddress from "../middleware/ClientAddress.ts"
import * as ConnectionUpgrades from "../node/ConnectionUpgrades.ts"
import { MAX_MESSAGE_BYTES, WebSocket } from "./WebSocket.ts"

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
    /** As `enter`, until {@link leave}. */
    readonly stay: (
      request: HttpServerRequest.HttpServerRequest,
      transport: Transport
    ) => Effect.Effect<Entry, RateLimited>
    readonly leave: (entry: Entry) => void
    /**
     * Makes a WebSocket of the request, which is asked for signs of life. It is paused, so that nothing is lost that comes
     * before somebody listens; interrupted where the client has gone, or the connection was taken before.
     */
    readonly upgrade: (request: HttpServerRequest.HttpServerRequest) => Effect.Effect<WebSocket>
  }
>()("effex/server/stream/StreamConnections") {
  static readonly layer = Layer.effect(
    StreamConnections,
    Effect.suspend(() => make)
  )
}

export type Transport = "websocket" | "sse" | "rpc"

/** One stream of a connection. Requests that were sent one after another, without waiting, share theirs. */
export class Entry {
  readonly socket: Socket
  readonly transport: Transport
  readonly address: string
  /** What had been taken when something was taken last, and when that was. */
  written: number
  since: number

  constructor(socket: Socket, transport: Transport, address: string, since: number) {
    this.socket = socket
    this.transport = transport
    this.address = address
    this.written = socket.bytesWritten
    this.since = since
  }
}

const make = Effect.gen(function* () {
  const { streamsPerAddress } = yield* Settings
  const drain = yield* Drain
  const context = yield* Effect.context<never>()
  const perAddress = new Map<string, number>()
  const entries = new Set<Entry>()
  const webSockets = new NodeWS.WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    // One message in a turn of the event loop, however many a client sends: the others have theirs in between.
    allowSynchronousEvents: false,
    WebSocket
  })
  let second = 0

  const stay: StreamConnections["Service"]["stay"] = (request, transport) =>
    Effect.suspend(() => {
      const { socket } = NodeHttpServerRequest.toIncomingMessage(request)
      const address = ClientAddress.of(request)
      const count = perAddress.get(address) ?? 0
      if (Option.isSome(streamsPerAddress) && count >= streamsPerAddress.value) {
        const detail = `${count} streams are open from this address, which is as many as there may be`
        return Effect.fail(new RateLimited({ detail }))
      }
      perAddress.set(address, count + 1)
      const entry = new Entry(socket, transport, address, second)
      entries.add(entry)
      connectionsBy[transport].modifyUnsafe(1, context)
      return Effect.succeed(entry)
    })

  const leave: StreamConnections["Service"]["leave"] = (entry) => {
    if (!entries.delete(entry)) return
    const { address, transport } = entry
    const left = (perAddress.get(address) ?? 1) - 1
    if (left === 0) perAddress.delete(address)
    else perAddress.set(address, left)
    connectionsBy[transport].modifyUnsafe(-1, context)
  }

  const enter: StreamConnections["Service"]["enter"] = Effect.fnUntraced(function* (transport) {
    const request = yield* HttpServerRequest.HttpServerRequest
    const { socket } = yield* Effect.acquireRelease(stay(request, transport), (entry) =>
      Effect.sync(() => leave(entry))
    )
    return socket
  })

  const upgrade: StreamConnections["Service"]["upgrade"] = (request) =>
    Effect.suspend(() => {
      const taken = ConnectionUpgrades.take(request)
      if (taken === undefined) return Effect.interrupt
      const { head, incoming, socket } = taken
      let upgraded: WebSocket | undefined
      webSockets.handleUpgrade(incoming, socket, head, (webSocket) => {
        webSocket.watch()
        webSocket.pause()
        upgraded = webSocket
      })
      return upgraded === undefined ? Effect.interrupt : Effect.succeed(upgraded)
    })

  const cutWhoeverStalls = Effect.suspend(() => {
    second++
    let cut = 0
    for (const entry of entries) {
      const { socket } = entry
      if (socket.destroyed) continue
      // Node counts as written what it still holds.
      const drained = socket.bytesWritten - socket.writableLength
      if (socket.writableLength === 0 || drained !== entry.written) {
        entry.written = drained
        entry.since = second
      }
      if (socket.writableLength <= MAX_WAITING_BYTES && second - entry.since < STALL_SECONDS) continue
      socket.destroy()
      cut++
    }
    return Metric.update(Metrics.streamsCut, cut)
  })

  const askForSigns = Effect.suspend(() => {
    let cut = 0
    for (const webSocket of webSockets.clients) {
      if (webSocket.readyState !== NodeWS.WebSocket.OPEN) continue
      if (webSocket.isAlive) {
        webSocket.isAlive = false
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
        for (const { socket } of entries) socket.destroy()
        for (const webSocket of webSockets.clients) webSocket.terminate()
      })
    ),
    Effect.forkScoped
  )

  return StreamConnections.of({ enter, stay, leave, upgrade })
})

const connectionsBy: Record<Transport, Metric.Gauge<number>> = {
  websocket: Metrics.streamConnections.of({ transport: "websocket" }),
  sse: Metrics.streamConnections.of({ transport: "sse" }),
  rpc: Metrics.streamConnections.of({ transport: "rpc" })
}
