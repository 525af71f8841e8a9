import { Context, type Duration, Effect, identity, Layer, Redacted, Stream, SubscriptionRef } from "effect"
import { FetchHttpClient, HttpClient, HttpClientError, HttpClientRequest } from "effect/http"
import { RpcClient, type RpcClientError, RpcSerialization } from "effect/rpc"
import { Socket } from "effect/socket"
import { RatesRpcs } from "../api/rates/RatesRpcs.ts"
import * as Backoff from "./Backoff.ts"

/** How a client stands with its server. */
export type ConnectionState = "connecting" | "connected" | "reconnecting"

/** Where the server is, and how long a call waits for it. An address that is not http(s) is thrown back, as a TypeError. */
export interface ConnectionOptions {
  /** Such as `http://127.0.0.1:8000`. */
  readonly url: string
  /** How long a call waits for a connection before it fails; 10 seconds where it is not set. */
  readonly connectTimeout?: Duration.Input | undefined
  /** A key of the server, `efx_live_…` or `efx_test_…`, for what needs one. It is sent with each call, never in an address. */
  readonly apiKey?: string | Redacted.Redacted | undefined
}

/** How long a server may take to begin an answer over HTTP, which has no pings that would tell. */
const ANSWER_TIMEOUT = "30 seconds"

/** The procedures of a server, and the transport that leads to them. */
export class Connection extends Context.Service<
  Connection,
  {
    readonly rpcs: RpcClient.FromGroup<typeof RatesRpcs, RpcClientError.RpcClientError>
    /** Waits until there is a connection. */
    readonly connected: Effect.Effect<void>
    /** Whether it was closed for good, with its scope. */
    readonly isClosed: () => boolean
    /** The state now, and every change of it. */
    readonly state: Stream.Stream<ConnectionState>
  }
>()("effex/client/Connection") {
  /** One WebSocket for everything, which is opened anew whenever it is lost. */
  static readonly layerSocket = ({ apiKey, url }: ConnectionOptions) => {
    const address = socketAddress(url)
    return Layer.unwrap(
      Effect.gen(function* () {
        const state = yield* SubscriptionRef.make<ConnectionState>("connecting")
        const backoff = yield* Backoff.make
        const hooks = Layer.succeed(RpcClient.ConnectionHooks, {
          onConnect: Effect.andThen(backoff.opened, SubscriptionRef.set(state, "connected")),
          onDisconnect: Effect.andThen(backoff.closed, SubscriptionRef.set(state, "reconnecting"))
        })
        const socket = Socket.layerWebSocket(address).pipe(
          Layer.provide(Socket.layerWebSocketConstructorGlobal)
        )
        const protocol = RpcClient.layerProtocolSocket({ retryPolicy: backoff.schedule })
        return layer(state, isConnected(state)).pipe(
          Layer.provide(apiKey === undefined ? protocol : Layer.provide(layerKeyed(apiKey), protocol)),
          Layer.provide([hooks, socket, RpcSerialization.layerJson])
        )
      })
    )
  }

  /** A request of its own for each call and each stream. */
  static readonly layerHttp = (options: ConnectionOptions) => {
    const url = addressOf(options.url, "/rpc/http").href
    return Layer.unwrap(
      Effect.gen(function* () {
        const state = yield* SubscriptionRef.make<ConnectionState>("connecting")
        const protocol = RpcClient.layerProtocolHttp({ url })
        return layer(state, Effect.void).pipe(
          Layer.provide(protocol),
          Layer.provide([observedFetch(state, options.apiKey), RpcSerialization.layerNdjson])
        )
      })
    )
  }
}

type State = SubscriptionRef.SubscriptionRef<ConnectionState>

const layer = (state: State, connected: Effect.Effect<void>) =>
  Layer.effect(
    Connection,
    Effect.gen(function* () {
      let closed = false
      const rpcs = yield* RpcClient.make(RatesRpcs)
      yield* Effect.addFinalizer(() => Effect.sync(() => (closed = true)))
      return Connection.of({
        rpcs,
        connected,
        isClosed: () => closed,
        state: SubscriptionRef.changes(state)
      })
    })
  )

const isConnected = (state: State) =>
  Effect.suspend(() =>
    SubscriptionRef.getUnsafe(state) === "connected"
      ? Effect.void
      : SubscriptionRef.changes(state).pipe(
          Stream.filter((current) => current === "connected"),
          Stream.take(1),
          Stream.runDrain
        )
  )

/** A browser can set no header on a WebSocket, so that the key stands in those of each call. */
const layerKeyed = (apiKey: NonNullable<ConnectionOptions["apiKey"]>) =>
  Layer.effect(
    RpcClient.Protocol,
    Effect.map(RpcClient.Protocol, (protocol) => {
      const header = ["authorization", `Bearer ${textOf(apiKey)}`] as const
      return RpcClient.Protocol.of({
        ...protocol,
        send: (clientId, message, transferables) =>
          protocol.send(
            clientId,
            message._tag === "Request" ? { ...message, headers: [...message.headers, [...header]] } : message,
            transferables
          )
      })
    })
  )

const textOf = (apiKey: string | Redacted.Redacted) =>
  typeof apiKey === "string" ? apiKey : Redacted.value(apiKey)

/** Over HTTP, being connected means that the last answer came. */
const observedFetch = (state: State, apiKey: ConnectionOptions["apiKey"]) =>
  Layer.effect(
    HttpClient.HttpClient,
    Effect.map(
      HttpClient.HttpClient,
      HttpClient.transform((response, request) =>
        response.pipe(
          Effect.timeoutOrElse({
            duration: ANSWER_TIMEOUT,
            orElse: () =>
              Effect.fail(
                new HttpClientError.HttpClientError({
                  reason: new HttpClientError.TransportError({ request, description: "No answer in time" })
                })
              )
          }),
          Effect.tap(SubscriptionRef.set(state, "connected")),
          Effect.tapError(() => SubscriptionRef.set(state, "reconnecting"))
        )
      )
    ).pipe(
      Effect.map(HttpClient.filterStatusOk),
      Effect.map(
        apiKey === undefined ? identity : HttpClient.mapRequest(HttpClientRequest.bearerToken(apiKey))
      )
    )
  ).pipe(Layer.provide(FetchHttpClient.layer))

/** The address of a path of the server, whose URL may have a path of its own. */
const addressOf = (server: string, path: string): URL => {
  const url = new URL(server)
  if (!/^https?:$/.test(url.protocol)) throw new TypeError(`${server} is no http or https address`)
  url.pathname = url.pathname.replace(/\/+$/, "") + path
  return url
}

const socketAddress = (server: string): string => {
  const url = addressOf(server, "/rpc")
  url.protocol = url.protocol.replace("http", "ws")
  return url.href
}
