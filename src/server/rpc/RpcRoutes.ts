import { Cause, Effect, Exit, Layer, Option, Schema } from "effect"
import type { Scope } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { RpcServer } from "effect/rpc"
import { Socket } from "effect/socket"
import { InvalidRequest } from "../../api/Problem.ts"
import { Rpcs } from "../../api/Rpcs.ts"
import { Drain } from "../Drain.ts"
import * as ClientAddress from "../middleware/addresses/ClientAddress.ts"
import * as Problems from "../middleware/Problems.ts"
import * as ConnectionUpgrades from "../node/ConnectionUpgrades.ts"
import * as RequestBody from "../node/RequestBody.ts"
import * as Routes from "../Routes.ts"
import { StreamConnections } from "../stream/StreamConnections.ts"
import { GOING_AWAY, INTERNAL_ERROR, NORMAL_CLOSURE } from "../stream/WebSocket.ts"
import * as RatesRpcHandlers from "./RatesRpcHandlers.ts"
import * as RpcAccessControl from "./RpcAccessControl.ts"
import * as RpcBackPressure from "./RpcBackPressure.ts"
import * as WalletRpcHandlers from "./WalletRpcHandlers.ts"
import * as StrictRpcSerialization from "./StrictRpcSerialization.ts"

type Endpoint = Effect.Effect<
  HttpServerResponse.HttpServerResponse,
  never,
  Scope.Scope | HttpServerRequest.HttpServerRequest
>

/** Adds the route of an RPC protocol. Its connections count as streams. */
const addRoute = Effect.fnUntraced(function* (
  method: "GET" | "POST",
  path: `/${string}`,
  endpoint: Endpoint
) {
  const router = yield* HttpRouter.HttpRouter
  const connections = yield* StreamConnections
  const drain = yield* Drain
  const handled = connections.acquire("rpc").pipe(
    Effect.flatMap((tcp) => RpcBackPressure.limitConnection(tcp)(endpoint)),
    withUpgrade(connections),
    withClientAddress,
    Effect.catch((problem) => Problems.respond(problem)),
    Effect.catchDefect(ignoreSocketError)
  )
  // On shutdown, a WebSocket is closed with 1001, but a call over HTTP finishes.
  const interruptible = Effect.raceFirst(
    Effect.scoped(handled),
    Effect.andThen(drain.awaitEndOfStreams, Effect.interrupt)
  )
  yield* router.add(
    method,
    path,
    method === "GET" ? ConnectionUpgrades.requireWebSocket(interruptible) : handled
  )
})

/** Makes `upgrade` of the request open a WebSocket that closes with the endpoint. */
const withUpgrade =
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

/** Provides the client address of the connection to its calls. */
const withClientAddress = <A, E, R>(endpoint: Effect.Effect<A, E, R>) =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
    Effect.provideService(endpoint, ClientAddress.RpcClientAddress, ClientAddress.of(request))
  )

/** A rejected handshake or a broken connection is not a failure of the server. */
const ignoreSocketError = (defect: unknown) =>
  Socket.isSocketError(defect) ? Effect.succeed(HttpServerResponse.empty()) : Effect.die(defect)

const layerWebSocket = Layer.effect(
  RpcServer.Protocol,
  Effect.gen(function* () {
    const { httpEffect, protocol } = yield* RpcServer.makeProtocolWithHttpEffectWebsocket
    yield* addRoute("GET", Routes.paths.rpc, httpEffect)
    return protocol
  })
).pipe(Layer.provide(StrictRpcSerialization.layerJson))

/** Accepts a body without a newline at its end, and rejects an empty body and calls that share an id. */
const withCompleteLines = Effect.fnUntraced(
  function* (endpoint: Endpoint) {
    const request = yield* HttpServerRequest.HttpServerRequest
    const text = yield* RequestBody.read(request).pipe(
      Effect.catchTag("HttpServerError", Effect.die),
      Effect.filterOrFail(
        (text) => text.trim() !== "",
        () => emptyBody
      ),
      Effect.filterOrFail(hasDistinctIds, () => repeatedId)
    )
    const complete: HttpServerRequest.HttpServerRequest = Object.create(request, {
      text: { value: Effect.succeed(text.endsWith("\n") ? text : `${text}\n`) }
    })
    return yield* Effect.provideService(endpoint, HttpServerRequest.HttpServerRequest, complete)
  },
  Effect.catchTag("InvalidRequest", (problem) => Problems.respond(problem))
)

/** Effect's server responds only to one of two unfinished calls with the same id. */
const hasDistinctIds = (text: string) => {
  const ids = text.split("\n").flatMap((line) => Option.toArray(decodeCall(line)).map(({ id }) => String(id)))
  return new Set(ids).size === ids.length
}

const decodeCall = Schema.decodeUnknownOption(
  Schema.fromJsonString(Schema.TaggedStruct("Request", { id: Schema.Union([Schema.String, Schema.Finite]) }))
)

const repeatedId = new InvalidRequest({
  detail: "Two calls have the same id; give each call of a request its own"
})

const emptyBody = new InvalidRequest({
  detail: "The body is empty; send effect/rpc messages as lines of JSON"
})

const layerHttp = Layer.effect(
  RpcServer.Protocol,
  Effect.gen(function* () {
    const { httpEffect, protocol } = yield* RpcServer.makeProtocolWithHttpEffect()
    yield* addRoute("POST", Routes.paths.rpcHttp, withCompleteLines(httpEffect))
    return protocol
  })
).pipe(Layer.provide(StrictRpcSerialization.layerNdjson))

const server = RpcServer.layer(Rpcs, { spanPrefix: "Rpcs", disableFatalDefects: true })

/** The RPC server, over WebSocket and over HTTP. */
export const layer = Layer.mergeAll(
  server.pipe(Layer.provide(layerWebSocket)),
  server.pipe(Layer.provide(layerHttp), Layer.fresh)
).pipe(Layer.provide([RatesRpcHandlers.layer, WalletRpcHandlers.layer, RpcAccessControl.layer]))
