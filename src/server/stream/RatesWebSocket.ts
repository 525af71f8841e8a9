import { Effect, Layer } from "effect"
import { HttpRouter, HttpServerRequest } from "effect/http"
import { AssetCatalog } from "../../assets/AssetCatalog.ts"
import type { Problem } from "../../api/Problem.ts"
import type { AssetPair } from "../../domain/money/AssetPair.ts"
import * as StreamPosition from "../../domain/rates/StreamPosition.ts"
import * as RequestCosts from "../http/RequestCosts.ts"
import * as PairParams from "../http/PairParams.ts"
import * as RateEncoding from "../encoding/RateEncoding.ts"
import { RateRequests } from "../http/RateRequests.ts"
import { AccessControl } from "../middleware/access/AccessControl.ts"
import * as HttpAccessControl from "../middleware/access/HttpAccessControl.ts"
import * as ConnectionUpgrades from "../node/ConnectionUpgrades.ts"
import * as Routes from "../Routes.ts"
import * as RateClientMessage from "./RateClientMessage.ts"
import type { Subscriber } from "./RateDelivery.ts"
import { RatesFanOut } from "./RatesFanOut.ts"
import { type StreamConnection, StreamConnections } from "./StreamConnections.ts"
import { SESSION_ENDED, type WebSocket, type WebSocketHandler } from "./WebSocket.ts"
import * as WebSocketEndpoint from "./WebSocketEndpoint.ts"
import * as WebSocketMessageQueue from "./WebSocketMessageQueue.ts"
import * as WebSocketMessages from "./WebSocketMessages.ts"

/** Functions that all clients share. */
interface SharedFunctions {
  readonly makeQueue: (client: RatesClient) => WebSocketMessageQueue.MessageQueue
  readonly remove: (client: RatesClient) => void
}

/**
 * State of one client. An idle client has no fiber, no queue and no reference to its request, which keeps the memory per
 * connection low. The message queue and the mailbox are created when they are first needed.
 */
class RatesClient implements WebSocketHandler, Subscriber {
  readonly shared: SharedFunctions
  readonly webSocket: WebSocket
  readonly connection: StreamConnection
  /** Rate-limit identity of the client. */
  readonly identity: string
  pairs: Subscriber["pairs"]
  mailbox: Subscriber["mailbox"]
  queue: WebSocketMessageQueue.MessageQueue | undefined

  constructor(shared: SharedFunctions, webSocket: WebSocket, connection: StreamConnection, identity: string) {
    this.shared = shared
    this.webSocket = webSocket
    this.connection = connection
    this.identity = identity
  }

  get tcp() {
    return this.connection.socket
  }

  onMessage(message: Buffer, isBinary: boolean) {
    this.queue ??= this.shared.makeQueue(this)
    this.queue.offer(message, isBinary)
  }

  onClose() {
    this.queue?.close()
    this.shared.remove(this)
  }
}

/** WebSocket endpoint for rates: `/ws/rates/`. */
export const layer = Layer.unwrap(
  Effect.gen(function* () {
    const access = yield* AccessControl
    const connections = yield* StreamConnections
    const fanOut = yield* RatesFanOut
    const reply = yield* makeReply
    const makeQueue = yield* WebSocketMessageQueue.make
    const shared: SharedFunctions = {
      makeQueue: (client) => makeQueue(client.webSocket, client.tcp, (message) => reply(client, message)),
      remove: (client) => {
        fanOut.remove(client)
        connections.release(client.connection)
      }
    }

    const subscribe = Effect.fnUntraced(function* (webSocket: WebSocket, identity: string) {
      const since = yield* WebSocketEndpoint.sinceOf(StreamPosition)
      const request = yield* HttpServerRequest.HttpServerRequest
      const connection = yield* connections.register(request, "websocket")
      const client = new RatesClient(shared, webSocket, connection, identity)
      connection.end = () => webSocket.close(...SESSION_ENDED)
      webSocket.attach(client)
      fanOut.add(client, since)
    })

    const endpoint = (identity: string) =>
      WebSocketEndpoint.accept(connections, (webSocket) => subscribe(webSocket, identity))
    const authorized = HttpAccessControl.authorizeConnection(access)(endpoint)
    return HttpRouter.add("GET", Routes.paths.socket, ConnectionUpgrades.requireWebSocket(authorized))
  })
).pipe(Layer.provide(RatesFanOut.layer))

/** Handles client messages. Rates for `get_all_rates` and `subscribe` are sent by the fan-out, to keep the order of events. */
const makeReply = Effect.gen(function* () {
  const { pairs } = yield* AssetCatalog
  const { consumeMessage } = yield* AccessControl
  const requests = yield* RateRequests
  const fanOut = yield* RatesFanOut

  const handle = Effect.fnUntraced(function* (client: RatesClient, text: WebSocketMessageQueue.Message) {
    const count = (type: string) => consumeMessage(client.identity, RequestCosts.ofMessage(type))
    const message = yield* Effect.tapError(RateClientMessage.decode(text), () => count("invalid"))
    // Pings are not counted.
    if (message.type === "ping") return `{"type":"pong"}`
    yield* count(message.type)
    switch (message.type) {
      case "get_all_rates":
        return fanOut.sendSnapshot(client, "all")
      case "get_rate": {
        const found = yield* requests.lookup(message.source_currency, message.destination_currency)
        return `{"type":"rate",${RateEncoding.toText(found).slice(1)}`
      }
      case "subscribe": {
        const added = yield* PairParams.parse(pairs, message.pairs, "/pairs")
        fanOut.setPairs(client, new Map([...(client.pairs ?? []), ...entriesOf(added)]))
        return fanOut.sendSnapshot(client, "subscribed")
      }
      case "unsubscribe": {
        const remaining = new Map(client.pairs ?? entriesOf(pairs.polled))
        for (const { key } of yield* PairParams.parse(pairs, message.pairs, "/pairs")) remaining.delete(key)
        return fanOut.setPairs(client, remaining)
      }
    }
  })

  return (client: RatesClient, text: WebSocketMessageQueue.Message): Effect.Effect<string | void> =>
    Effect.catch(handle(client, text), (problem: Problem) =>
      Effect.succeed(WebSocketMessages.encodeProblem(client.webSocket, problem))
    )
})

const entriesOf = (pairs: ReadonlyArray<AssetPair>) => pairs.map((pair) => [pair.key, pair] as const)
