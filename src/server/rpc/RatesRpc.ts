import { Cause, Effect, Exit, Layer } from "effect"
import type { Scope } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { RpcServer } from "effect/rpc"
import { Socket } from "effect/socket"
import { InvalidRequest } from "../../api/Problem.ts"
import { RatesRpcs } from "../../api/rates/RatesRpcs.ts"
import * as AccessControl from "../middleware/AccessControl.ts"
import * as BackPressure from "../stream/BackPressure.ts"
import { Drain } from "../Drain.ts"
import * as Problems from "../middleware/Problems.ts"
import * as RatesRpcHandlers from "./RatesRpcHandlers.ts"
import * as ClientAddress from "../middleware/ClientAddress.ts"
import * as Routes from "../Routes.ts"
import * as ConnectionUpgrades from "../node/ConnectionUpgrades.ts"
import * as StrictRpcSerialization from "./StrictRpcSerialization.ts"
import { StreamConnections } from "../stream/StreamConnections.ts"
import { GOING_AWAY, INTERNAL_ERROR, NORMAL_CLOSURE } from "../stream/WebSocket.ts"

type Endpoint = Effect.Effect<
  HttpServerResponse.HttpServerResponse,
  never,
  Scope.Scope | HttpServerRequest.HttpServerRequest
>

/** Adds the endpoint of a protocol, whose connections are streams like all others. */
const serve = Effect.fnUntraced(function* (method: "GET" | "POST", path: `/${string}`, endpoint: Endpoint) {
  const router = yield* HttpRouter.HttpRouter
  const connections = yield* StreamConnections
  const drain = yield* Drain
  const handled = connections.enter("rpc").pipe(
    Effect.flatMap((tcp) => BackPressure.paced(tcp)(endpoint)),
    upgradableBy(connections),
    fromPeer,
    Effect.catch((problem) => Problems.respond(problem)),
    Effect.catchDefect(ignoreBrokenSocket)
  )
  // An interrupted WebSocket is closed with 1001, and a call over HTTP is finished.
  const interruptible = Effect.raceFirst(
    Effect.scoped(handled),
    Effect.andThen(drain.begun, Effect.interrupt)
  )
  yield* router.add(method, path, method === "GET" ? ConnectionUpgrades.only(interruptible) : handled)
})

/** Lets an endpoint make a WebSocket of the request, which is closed when the endpoint ends. */
const upgradableBy =
  ({ upgrade }: StreamConnections["Service"]) =>
  <A, E, R>(endpoint: Effect.Effect<A, E, R>) =>
    Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
      const webSocket = Effect.acquireRelease(upgrade(request), (webSocket, exit) =>
        Effect.sync(() => webSocket.close(closeCodeOf(exit)))
      )
      const upgradable: HttpServerRequest.HttpServerRequest = Object.create(request, {
        upgrade: { value: Socket.fromWebSocket(webSocket) }
      })
      return Effect.provideService(endpoint, HttpServerRequest.HttpServerRequest, upgradable)
    })

const closeCodeOf = (exit: Exit.Exit<unknown, unknown>) => {
  if (Exit.isSuccess(exit)) return NORMAL_CLOSURE
  return Cause.hasInterruptsOnly(exit.cause) ? GOING_AWAY[0] : INTERNAL_ERROR[0]
}

/** Tells the calls whom they come from. */
const fromPeer = <A, E, R>(endpoint: Effect.Effect<A, E, R>) =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
    Effect.provideService(endpoint, ClientAddress.Peer, ClientAddress.of(request))
  )

/** A handshake that is refused, or a connection that breaks, is no failure of the server. */
const ignoreBrokenSocket = (defect: unknown) =>
  Socket.isSocketError(defect) ? Effect.succeed(HttpServerResponse.empty()) : Effect.die(defect)

const overWebSocket = Layer.effect(
  RpcServer.Protocol,
  Effect.gen(function* () {
    const { httpEffect, protocol } = yield* RpcServer.makeProtocolWithHttpEffectWebsocket
    yield* serve("GET", Routes.paths.rpc, httpEffect)
    return protocol
  })
).pipe(Layer.provide(StrictRpcSerialization.layerJson))

/** The last line of a body need not be ended, and a body without a line asks for nothing. */
const wholeLines = Effect.fnUntraced(function* (endpoint: Endpoint) {
  const request = yield* HttpServerRequest.HttpServerRequest
  const text = yield* Effect.orDie(request.text)
  if (text.trim() === "") return yield* Problems.respond(nothingAsked)
  const ended: HttpServerRequest.HttpServerRequest = Object.create(request, {
    text: { value: Effect.succeed(text.endsWith("\n") ? text : `${text}\n`) }
  })
  return yield* Effect.provideService(endpoint, HttpServerRequest.HttpServerRequest, ended)
})

const nothingAsked = new InvalidRequest({
  detail: "Calls are lines of JSON, as effect/rpc writes them, and there is none"
})

const overHttp = Layer.effect(
  RpcServer.Protocol,
  Effect.gen(function* () {
    const { httpEffect, protocol } = yield* RpcServer.makeProtocolWithHttpEffect()
    yield* serve("POST", Routes.paths.rpcHttp, wholeLines(httpEffect))
    return protocol
  })
).pipe(Layer.provide(StrictRpcSerialization.layerNdjson))

const server = RpcServer.layer(RatesRpcs, { spanPrefix: "RatesRpcs", disableFatalDefects: true })

/** The typed calls and streams, over a WebSocket and over HTTP. */
export const layer = Layer.mergeAll(
  server.pipe(Layer.provide(overWebSocket)),
  server.pipe(Layer.provide(overHttp), Layer.fresh)
).pipe(Layer.provide([RatesRpcHandlers.layer, AccessControl.layerRpc]))
