import { NodeSocket } from "@effect/platform-node"
import { Effect, Layer } from "effect"
import { FetchHttpClient } from "effect/http"
import { type Rpc, RpcClient, type RpcGroup, RpcSerialization } from "effect/rpc"
import { RatesRpcs } from "../../src/api/rates/RatesRpcs.ts"
import { TestServer } from "./TestServer.ts"

/** Creates a client of an RPC group of the server under test, with its own WebSocket. */
export const overWebSocketOf = Effect.fnUntraced(function* <R extends Rpc.Any>(group: RpcGroup.RpcGroup<R>) {
  const { url } = yield* TestServer
  const services = yield* Layer.build(
    RpcClient.layerProtocolSocket().pipe(
      Layer.provide([
        NodeSocket.layerWebSocket(`${url.replace(/^http/, "ws")}/rpc`),
        RpcSerialization.layerJson
      ]),
      Layer.fresh
    )
  )
  return yield* Effect.provideContext(RpcClient.make(group), services)
})

/** Creates an RPC client of the server under test, with its own WebSocket. */
export const overWebSocket = overWebSocketOf(RatesRpcs)

/** Creates an RPC client of the server under test, over HTTP. */
export const overHttp = Effect.gen(function* () {
  const { url } = yield* TestServer
  const services = yield* Layer.build(
    RpcClient.layerProtocolHttp({ url: `${url}/rpc/http` }).pipe(
      Layer.provide([FetchHttpClient.layer, RpcSerialization.layerNdjson]),
      Layer.fresh
    )
  )
  return yield* Effect.provideContext(RpcClient.make(RatesRpcs), services)
})

export type Client = Effect.Success<typeof overHttp>
