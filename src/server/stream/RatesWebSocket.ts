import { Cause, Effect, Layer, Option } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { type Problem, RateLimited } from "../../api/Problem.ts"
import { Settings } from "../../config/Settings.ts"
import type { CurrencyPair } from "../../domain/money/CurrencyPair.ts"
import * as StreamPosition from "../../domain/rates/StreamPosition.ts"
import * as AccessControl from "../middleware/AccessControl.ts"
import * as PairParams from "../http/PairParams.ts"
import * as Problems from "../middleware/Problems.ts"
import * as RateEncoding from "../http/RateEncoding.ts"
import * as RateRequests from "../http/RateRequests.ts"
import { RatesFanOut, type Reader } from "./RatesFanOut.ts"
import * as Routes from "../Routes.ts"
import * as WebSocketSessions from "./WebSocketSessions.ts"
import * as WebSocketMessages from "./WebSocketMessages.ts"
import { type Entry, StreamConnections } from "./StreamConnections.ts"
import * as ConnectionUpgrades from "../node/ConnectionUpgrades.ts"
import {
  type Client,
  INTERNAL_ERROR,
  POLICY_VIOLATION,
  TRY_AGAIN_LATER,
  type WebSocket
} from "./WebSocket.ts"

/** What is the same for all clients. */
interface Server {
  readonly converse: (client: RatesClient) => WebSocketSessions.Conversation
  readonly leave: (client: RatesClient) => void
}

/**
 * All that is held for a client, beside its connection: no fiber, no queue, and nothing of its request. What it needs when
 * it says something, or when it does not keep up, is made then.
 */
class RatesClient implements Client, Reader {
  readonly server: Server
  readonly webSocket: WebSocket
  readonly entry: Entry
  /** As whom it is counted. */
  readonly caller: string
  wanted: Reader["wanted"]
  mailbox: Reader["mailbox"]
  conversation: WebSocketSessions.Conversation | undefined

  constructor(server: Server, webSocket: WebSocket, entry: Entry, caller: string) {
    this.server = server
    this.webSocket = webSocket
    this.entry = entry
    this.caller = caller
  }

  get tcp() {
    return this.entry.socket
  }

  hear(message: Buffer, isBinary: boolean) {
    this.conversation ??= this.server.converse(this)
    this.conversation.hear(message, isBinary)
  }

  leave() {
    this.conversation?.end()
    this.server.leave(this)
  }
}

/** The WebSocket of the rates. */
export const layer = Layer.unwrap(
  Effect.gen(function* () {
    const { counting, opened } = yield* AccessControl.conversing
    const connections = yield* StreamConnections
    const fanOut = yield* RatesFanOut
    const answer = yield* answering(counting)
    const converse = yield* WebSocketSessions.make
    const server: Server = {
      converse: (client) => converse(client.webSocket, client.tcp, (frame) => answer(client, frame)),
      leave: (client) => {
        fanOut.remove(client)
        connections.leave(client.entry)
      }
    }

    const begin = Effect.fnUntraced(function* (webSocket: WebSocket, caller: string) {
      const since = yield* position
      const entry = yield* connections.stay(yield* HttpServerRequest.HttpServerRequest, "websocket")
      const client = new RatesClient(server, webSocket, entry, caller)
      webSocket.serve(client)
      fanOut.add(client, since)
    })

    const endpoint = Effect.fnUntraced(function* (caller: string) {
      const webSocket = yield* connections.upgrade(yield* HttpServerRequest.HttpServerRequest)
      yield* begin(webSocket, caller).pipe(
        Effect.catch((problem) => Effect.sync(() => refuse(webSocket, problem))),
        Effect.catchDefect((defect) =>
          Effect.andThen(
            Effect.sync(() => webSocket.close(...INTERNAL_ERROR)),
            Effect.logError("Unforeseen failure of a WebSocket", Cause.die(defect))
          )
        ),
        Effect.ensuring(Effect.sync(() => webSocket.resume()))
      )
      // The connection goes on without its request.
      return HttpServerResponse.empty({ status: 101 })
    })

    return HttpRouter.add("GET", Routes.paths.socket, ConnectionUpgrades.only(opened(endpoint)))
  })
).pipe(Layer.provide(RatesFanOut.layer))

const refuse = (webSocket: WebSocket, problem: Problem) => {
  webSocket.send(WebSocketMessages.ofProblem(problem))
  webSocket.close(problem instanceof RateLimited ? TRY_AGAIN_LATER : POLICY_VIOLATION, problem.title)
}

/** From where a client asks to be told. */
const position = Effect.gen(function* () {
  const { since } = yield* HttpServerRequest.ParsedSearchParams
  if (since === undefined) return undefined
  const parsed = typeof since === "string" ? StreamPosition.parse(since) : Option.none()
  return Option.isSome(parsed)
    ? parsed.value
    : yield* Problems.invalid("/query/since", `expected ${StreamPosition.ALLOWED}`)
})

/** Answers the messages of clients; of what they are told, the fan-out has the last word. */
const answering = Effect.fnUntraced(function* (countingOf: (caller: string) => AccessControl.Counting) {
  const { pairs } = yield* Settings
  const requests = yield* RateRequests.make
  const fanOut = yield* RatesFanOut

  const reply = Effect.fnUntraced(function* (client: RatesClient, frame: WebSocketSessions.Frame) {
    const counting = countingOf(client.caller)
    const message = yield* Effect.tapError(WebSocketMessages.read(frame), () => counting)
    // It asks for nothing.
    if (message.type === "ping") return `{"type":"pong"}`
    yield* counting
    switch (message.type) {
      case "get_all_rates":
        return fanOut.refresh(client, true)
      case "get_rate": {
        const found = yield* requests.rate(message.source_currency, message.destination_currency)
        return `{"type":"rate",${RateEncoding.toText(found).slice(1)}`
      }
      case "subscribe": {
        const some = yield* PairParams.find(pairs, message.pairs, "/pairs")
        fanOut.want(client, new Map([...(client.wanted ?? []), ...keyed(some)]))
        return fanOut.refresh(client, false)
      }
      case "unsubscribe": {
        const wanted = new Map(client.wanted ?? keyed(pairs.all))
        for (const { key } of yield* PairParams.find(pairs, message.pairs, "/pairs")) wanted.delete(key)
        return fanOut.want(client, wanted)
      }
    }
  })

  return (...asked: Parameters<typeof reply>): Effect.Effect<string | void> =>
    Effect.catch(reply(...asked), (problem: Problem) => Effect.succeed(WebSocketMessages.ofProblem(problem)))
})

const keyed = (pairs: ReadonlyArray<CurrencyPair>) => pairs.map((pair) => [pair.key, pair] as const)
