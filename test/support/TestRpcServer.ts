import { NodeHttpServer } from "@effect/platform-node"
import { Effect, Exit, Layer, Scope, Stream } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { type RpcGroup, RpcSerialization, RpcServer } from "effect/rpc"
import { createServer } from "node:http"
import { Caller } from "../../src/api/access/Caller.ts"
import { RpcOptionalAuthentication, RpcRequireConvertScope } from "../../src/api/access/RpcAuthorization.ts"
import { Internal, RateLimited } from "../../src/api/Problem.ts"
import { RatesRpcs } from "../../src/api/rates/RatesRpcs.ts"
import { anonymous } from "../../src/domain/access/Principal.ts"

type Handlers = RpcGroup.HandlersFrom<RpcGroup.Rpcs<typeof RatesRpcs>>

/** Accepts requests with and without a key. */
const openAccess = Layer.mergeAll(
  Layer.succeed(RpcOptionalAuthentication, (call) => call),
  Layer.succeed(RpcRequireConvertScope, (call) => Effect.provideService(call, Caller, anonymous("caller")))
)

const unimplemented = () =>
  Effect.fail(new Internal({ detail: "The test does not implement this procedure" }))
const unimplementedStream = () => Stream.fail(new RateLimited({}))

/** An RPC server with the handlers of a test. */
export interface Listening {
  readonly port: number
  readonly url: string
  /** Closes every connection, and stops listening. */
  readonly stop: Effect.Effect<void>
}

/** Listens on a port, by default a free one, until it is stopped or the scope closes. */
export const listen = Effect.fnUntraced(function* (handlers: Partial<Handlers>, port = 0) {
  const procedures = RatesRpcs.toLayer({
    GetRate: unimplemented,
    ListRates: unimplemented,
    Convert: unimplemented,
    CreateQuote: unimplemented,
    WatchRates: unimplementedStream,
    WatchPolls: unimplementedStream,
    WatchHeartbeats: unimplementedStream,
    ...handlers
  })
  const overWebSocket = RpcServer.layerHttp({ group: RatesRpcs, path: "/rpc" }).pipe(
    Layer.provide(RpcSerialization.layerJson)
  )
  const overHttp = RpcServer.layerHttp({ group: RatesRpcs, path: "/rpc/http", protocol: "http" }).pipe(
    Layer.provide(RpcSerialization.layerNdjson)
  )
  const server = createServer()
  const scope = yield* Scope.fork(yield* Effect.scope)
  const { address } = yield* HttpRouter.serve(Layer.mergeAll(overWebSocket, overHttp), {
    disableLogger: true,
    disableListenLog: true
  }).pipe(
    Layer.provide([procedures, openAccess]),
    Layer.provideMerge(
      NodeHttpServer.layer(() => server, { host: "127.0.0.1", port, gracefulShutdownTimeout: 0 })
    ),
    Layer.build,
    Effect.flatMap((context) => Effect.provide(HttpServer.HttpServer, context)),
    Scope.provide(scope)
  )
  const url = HttpServer.formatAddress(address)
  const stop = Effect.andThen(
    Effect.sync(() => server.closeAllConnections()),
    Scope.close(scope, Exit.void)
  )
  return { url, port: Number(new URL(url).port), stop } satisfies Listening
})
