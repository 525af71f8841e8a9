import { NodeHttpServer } from "@effect/platform-node"
import { Effect, Exit, Layer, Scope, Stream } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { type RpcGroup, RpcSerialization, RpcServer } from "effect/rpc"
import { createServer } from "node:http"
import { Caller, ConversionCalls, OpenCalls } from "../../src/api/access/RpcAccess.ts"
import { Internal, RateLimited } from "../../src/api/Problem.ts"
import { RatesRpcs } from "../../src/api/rates/RatesRpcs.ts"
import { ANONYMOUS } from "../../src/domain/access/ApiKey.ts"

type Handlers = RpcGroup.HandlersFrom<RpcGroup.Rpcs<typeof RatesRpcs>>

/** Takes every key, and needs none. */
const open = Layer.mergeAll(
  Layer.succeed(OpenCalls, (call) => call),
  Layer.succeed(ConversionCalls, (call) => Effect.provideService(call, Caller, ANONYMOUS))
)

const unwritten = () => Effect.fail(new Internal({ detail: "The test has not said what to answer" }))
const unwrittenStream = () => Stream.fail(new RateLimited({}))

/** A server of the contract's procedures that answers as the test says. */
export interface Listening {
  readonly port: number
  readonly url: string
  /** Cuts every connection, and listens no more. */
  readonly stop: Effect.Effect<void>
}

/** Listens on a port, a free one where none is given, until it is stopped or the scope is closed. */
export const listen = Effect.fnUntraced(function* (handlers: Partial<Handlers>, port = 0) {
  const procedures = RatesRpcs.toLayer({
    GetRate: unwritten,
    ListRates: unwritten,
    Convert: unwritten,
    CreateQuote: unwritten,
    WatchRates: unwrittenStream,
    WatchPolls: unwrittenStream,
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
    Layer.provide([procedures, open]),
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
