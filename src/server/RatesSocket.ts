import { Cause, Clock, Effect, Layer, Option } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { Socket } from "effect/socket"
import { type Problem, RateLimited } from "../api/Problem.ts"
import { Settings } from "../config/Settings.ts"
import type { CurrencyPair } from "../domain/CurrencyPair.ts"
import { isStaleAt } from "../domain/Rate.ts"
import * as StreamPosition from "../domain/StreamPosition.ts"
import { Broadcaster } from "../rates/Broadcaster.ts"
import type { Mailbox } from "../rates/Mailbox.ts"
import * as Access from "./Access.ts"
import * as BackPressure from "./BackPressure.ts"
import { Drain } from "./Drain.ts"
import * as PairTexts from "./PairTexts.ts"
import * as Problems from "./Problems.ts"
import * as RateEncoding from "./RateEncoding.ts"
import * as RateRequests from "./RateRequests.ts"
import * as RateEventEncoding from "./RateEventEncoding.ts"
import * as Routes from "./Routes.ts"
import * as SocketMessages from "./SocketMessages.ts"
import { StreamConnections } from "./StreamConnections.ts"
import * as Upgrades from "./Upgrades.ts"

/** Why a connection is closed (RFC 6455, 7.4.1): whether to come back, and when. */
const GOING_AWAY = new Socket.CloseEvent(1001, "effex stops: come back")
const POLICY_VIOLATION = 1008
const INTERNAL_ERROR = new Socket.CloseEvent(1011, "something went wrong here: come back")
const TRY_AGAIN_LATER = 1013

const endpoint = Effect.fnUntraced(function* (counting: Access.Counting) {
  const { upgrade } = yield* HttpServerRequest.HttpServerRequest
  const socket = yield* upgrade
  yield* Effect.scoped(converse(socket, counting)).pipe(Effect.catchTag("SocketError", () => Effect.void))
  return HttpServerResponse.empty()
})

/** The WebSocket of the rates. */
export const layer = Layer.unwrap(
  Effect.map(Access.conversing, (conversing) =>
    HttpRouter.add("GET", Routes.paths.socket, Upgrades.only(conversing(endpoint)))
  )
)

const converse = Effect.fnUntraced(function* (socket: Socket.Socket, counting: Access.Counting) {
  const drain = yield* Drain
  const writer = yield* socket.writer
  const { pull } = yield* socket.reader

  const opened = yield* Effect.result(open)
  if (opened._tag === "Failure") {
    const problem = opened.failure
    yield* writer.write(SocketMessages.ofProblem(problem))
    const code = problem instanceof RateLimited ? TRY_AGAIN_LATER : POLICY_VIOLATION
    return yield* writer.write(new Socket.CloseEvent(code, problem.title))
  }
  const { mailbox, tcp } = opened.success
  const answer = yield* answering(mailbox, counting)

  const tell = Effect.gen(function* () {
    const { staleAfter } = yield* Settings
    while (true) {
      const events = yield* mailbox.take
      const isStale = isStaleAt(yield* Clock.currentTimeMillis, staleAfter)
      for (const event of events) yield* writer.write(RateEventEncoding.toWebSocketText(event, isStale))
      yield* BackPressure.drained(tcp)
    }
  })

  const listen = Effect.gen(function* () {
    while (true) {
      for (const frame of yield* pull) {
        const text = yield* answer(frame)
        if (text === undefined) continue
        yield* writer.write(text)
        yield* BackPressure.drained(tcp)
      }
    }
  })

  yield* Effect.raceAllFirst([tell, listen, drain.begun]).pipe(
    Effect.andThen(writer.write(GOING_AWAY)),
    Effect.catchDefect((defect) =>
      Effect.andThen(
        Effect.logError("Unforeseen failure of a WebSocket", Cause.die(defect)),
        writer.write(INTERNAL_ERROR)
      )
    )
  )
})

/** Takes the connection in, and a mailbox from the position that it asks for. */
const open = Effect.gen(function* () {
  const tcp = yield* Effect.flatMap(StreamConnections, ({ enter }) => enter("websocket"))
  const broadcaster = yield* Broadcaster
  const { since } = yield* HttpServerRequest.ParsedSearchParams
  if (since === undefined) return { tcp, mailbox: yield* broadcaster.subscribe() }
  const position = typeof since === "string" ? StreamPosition.parse(since) : Option.none()
  if (Option.isNone(position))
    return yield* Problems.invalid("/query/since", `expected ${StreamPosition.ALLOWED}`)
  return { tcp, mailbox: yield* broadcaster.subscribe({ since: position.value }) }
})

/** Answers the messages of one client; what it says of its mailbox comes from there. */
const answering = Effect.fnUntraced(function* (mailbox: Mailbox, counting: Access.Counting) {
  const { pairs } = yield* Settings
  const requests = yield* RateRequests.make
  let wanted = new Map(pairs.all.map((pair) => [pair.key, pair]))
  let isNarrowed = false

  const want = (change: (pair: CurrencyPair) => void, some: ReadonlyArray<CurrencyPair>) => {
    isNarrowed = true
    some.forEach(change)
    mailbox.want(Array.from(wanted.values()))
  }

  const reply = Effect.fnUntraced(function* (frame: string | Uint8Array) {
    const message = yield* Effect.tapError(SocketMessages.read(frame), () => counting)
    // It asks for nothing.
    if (message.type === "ping") return `{"type":"pong"}`
    yield* counting
    switch (message.type) {
      case "get_all_rates":
        return void mailbox.refresh(true)
      case "get_rate": {
        const found = yield* requests.rate(message.source_currency, message.destination_currency)
        return `{"type":"rate",${RateEncoding.toText(found).slice(1)}`
      }
      case "subscribe": {
        const some = yield* PairTexts.find(pairs, message.pairs, "/pairs")
        if (!isNarrowed) wanted = new Map()
        want((pair) => wanted.set(pair.key, pair), some)
        return void mailbox.refresh(false)
      }
      case "unsubscribe":
        return void want(
          (pair) => wanted.delete(pair.key),
          yield* PairTexts.find(pairs, message.pairs, "/pairs")
        )
    }
  })

  return (frame: string | Uint8Array): Effect.Effect<string | undefined> =>
    Effect.catch(reply(frame), (problem: Problem) => Effect.succeed(SocketMessages.ofProblem(problem)))
})
