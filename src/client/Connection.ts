import { Context, type Duration, Effect, identity, Layer, Redacted, Stream, SubscriptionRef } from "effect"
import { FetchHttpClient, HttpClient, HttpClientError, HttpClientRequest } from "effect/http"
import { RpcClient, type RpcClientError, RpcSerialization } from "effect/rpc"
import { Socket } from "effect/socket"
import { ClientRpcs } from "./ClientRpcs.ts"
import * as Backoff from "./Backoff.ts"
import * as UserOptions from "./promise/accounts/UserOptions.ts"
import * as Options from "./promise/Options.ts"
import * as Runtime from "./promise/Runtime.ts"

/** State of the connection to the server. */
export type ConnectionState = "connecting" | "connected" | "reconnecting"

/** Connection options. */
export interface ConnectionOptions {
  /** URL of the server, such as `http://127.0.0.1:8000`. */
  readonly url: string
  /** Maximum time that a call waits for a connection. Default: 10 seconds. */
  readonly connectTimeout?: Duration.Input | undefined
  /** API key (`efx_live_…` or `efx_test_…`), for calls that need one. Sent with each call, never in a URL. */
  readonly apiKey?: string | Redacted.Redacted | undefined
  /**
   * Where the tokens of the user are kept: in a storage such as `localStorage`, or in a `cookie`, for pages of the server
   * itself. Default: in memory.
   */
  readonly session?: UserOptions.UserOptions["session"]
  /** Id of the user for whom the API key acts. It needs the scope `wallets`. */
  readonly onBehalfOf?: string | undefined
}

/** Maximum time until the response head of an HTTP request. HTTP has no pings to detect a dead connection. */
const RESPONSE_TIMEOUT = "30 seconds"

/** The RPC client and the state of its transport. */
export class Connection extends Context.Service<
  Connection,
  {
    readonly rpcs: RpcClient.FromGroup<typeof ClientRpcs, RpcClientError.RpcClientError>
    /** Waits until the client is connected. */
    readonly connected: Effect.Effect<void>
    /** Returns true after the scope of the connection was closed. */
    readonly isClosed: () => boolean
    /** Emits the current state and every change of it. */
    readonly state: Stream.Stream<ConnectionState>
  }
>()("effex/client/Connection") {
  /** Multiplexes everything over one WebSocket, with automatic reconnection. */
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
        return layer(state, awaitConnected(state)).pipe(
          Layer.provide(apiKey === undefined ? protocol : Layer.provide(layerWithApiKey(apiKey), protocol)),
          Layer.provide([hooks, socket, RpcSerialization.layerJson])
        )
      })
    )
  }

  /** Sends each call and each stream as a separate HTTP request. */
  static readonly layerHttp = (options: ConnectionOptions) => {
    const url = `${Options.serverUrl(options.url)}/rpc/http`
    return Layer.unwrap(
      Effect.gen(function* () {
        const state = yield* SubscriptionRef.make<ConnectionState>("connecting")
        const protocol = RpcClient.layerProtocolHttp({ url })
        return layer(state, Effect.void).pipe(
          Layer.provide(protocol),
          Layer.provide([layerFetch(state, options.apiKey), RpcSerialization.layerNdjson])
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
      const rpcs = yield* RpcClient.make(ClientRpcs)
      yield* Effect.addFinalizer(() => Effect.sync(() => (closed = true)))
      return Connection.of({
        rpcs,
        connected,
        isClosed: () => closed,
        state: SubscriptionRef.changes(state)
      })
    })
  )

const awaitConnected = (state: State) =>
  Effect.suspend(() =>
    SubscriptionRef.getUnsafe(state) === "connected"
      ? Effect.void
      : SubscriptionRef.changes(state).pipe(
          Stream.filter((current) => current === "connected"),
          Stream.take(1),
          Stream.runDrain
        )
  )

/**
 * Adds the API key to the headers of each RPC call without credentials, because browsers cannot set headers on a WebSocket.
 */
const layerWithApiKey = (apiKey: NonNullable<ConnectionOptions["apiKey"]>) =>
  Layer.effect(
    RpcClient.Protocol,
    Effect.map(RpcClient.Protocol, (protocol) => {
      const header = ["authorization", `Bearer ${textOf(apiKey)}`] as const
      return RpcClient.Protocol.of({
        ...protocol,
        send: (clientId, message, transferables) =>
          protocol.send(
            clientId,
            message._tag === "Request" && !message.headers.some(([name]) => name === header[0])
              ? { ...message, headers: [...message.headers, [...header]] }
              : message,
            transferables
          )
      })
    })
  )

/** Throws an `EffexError` for a wrong option and for a Node.js that is too old. */
export const validate = ({ apiKey, url, ...options }: ConnectionOptions) => {
  Runtime.requireSupported()
  Options.requireKnown("EffexClient.layer", { url, apiKey, ...options }, CONNECTION_OPTIONS)
  const key = apiKey === undefined ? undefined : Options.apiKey(textOf(apiKey))
  UserOptions.sessionOptions(Options.serverUrl(url), options)
  UserOptions.keyAuthorization(key, options)
}

const CONNECTION_OPTIONS = ["url", "apiKey", "connectTimeout", "session", "onBehalfOf"] as const

export const textOf = (apiKey: string | Redacted.Redacted) =>
  typeof apiKey === "string" ? apiKey : Redacted.value(apiKey)

/** HTTP client that tracks the connection state: connected if the last request received a response. */
const layerFetch = (state: State, apiKey: ConnectionOptions["apiKey"]) =>
  Layer.effect(
    HttpClient.HttpClient,
    Effect.map(
      HttpClient.HttpClient,
      HttpClient.transform((response, request) =>
        response.pipe(
          Effect.timeoutOrElse({
            duration: RESPONSE_TIMEOUT,
            orElse: () =>
              Effect.fail(
                new HttpClientError.HttpClientError({
                  reason: new HttpClientError.TransportError({
                    request,
                    description: "The server did not respond in time"
                  })
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

const socketAddress = (url: string): string => `${Options.serverUrl(url).replace(/^http/, "ws")}/rpc`
