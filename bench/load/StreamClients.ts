import { Effect } from "effect"
import { WebSocket } from "ws"
import { ProcessFailed } from "../Processes.ts"

/** Protocol of a stream. */
export type StreamProtocol = "websocket" | "rpc"

/** Connected stream clients. */
export interface StreamClients {
  /** Returns the number of updates received by all clients so far. */
  readonly updates: () => number
}

/** Number of connections opened concurrently. */
const CONNECT_CONCURRENCY = 50

const PATHS: Readonly<Record<StreamProtocol, string>> = { websocket: "/ws/rates/", rpc: "/rpc" }

/** Opens streams of all pairs for the life of the scope, and waits until each has received its first message. */
export const open = Effect.fnUntraced(function* (url: string, protocol: StreamProtocol, count: number) {
  const counter = { updates: 0 }
  const address = url.replace(/^http/, "ws") + PATHS[protocol]
  const connect = Effect.acquireRelease(
    Effect.tryPromise({
      try: () => connected(address, readers[protocol], counter),
      catch: (cause) => new ProcessFailed({ program: address, detail: String(cause) })
    }),
    (socket) => Effect.sync(() => socket.terminate())
  )
  yield* Effect.all(
    Array.from({ length: count }, () => connect),
    { concurrency: CONNECT_CONCURRENCY, discard: true }
  )
  return { updates: () => counter.updates } satisfies StreamClients
})

/** Subscribes, and counts the updates in a message. */
interface Reader {
  readonly subscription?: string
  readonly read: (message: Buffer, socket: WebSocket) => number
}

const connected = (address: string, { read, subscription }: Reader, counter: { updates: number }) =>
  new Promise<WebSocket>((resolve, reject) => {
    const socket = new WebSocket(address, { perMessageDeflate: false, skipUTF8Validation: true })
    socket.on("open", () => subscription !== undefined && socket.send(subscription))
    socket.on("message", (message: Buffer) => {
      counter.updates += read(message, socket)
      resolve(socket)
    })
    socket.on("error", reject)
    socket.on("close", (code) => reject(new Error(`the server closed the stream with code ${code}`)))
  })

const UPDATE = `{"type":"rate_update"`
const REQUEST = { _tag: "Request", id: "0", tag: "WatchRates", payload: {}, headers: [] }
const ACK = JSON.stringify({ _tag: "Ack", requestId: "0" })

interface RpcResponse {
  readonly _tag: string
  readonly values?: ReadonlyArray<{ readonly _tag: string }>
}

const readers: Readonly<Record<StreamProtocol, Reader>> = {
  websocket: {
    read: (message) => (message.toString("latin1", 0, UPDATE.length) === UPDATE ? 1 : 0)
  },
  rpc: {
    subscription: JSON.stringify(REQUEST),
    read: (message, socket) => {
      const responses: RpcResponse | ReadonlyArray<RpcResponse> = JSON.parse(message.toString())
      let updates = 0
      for (const response of [responses].flat()) {
        if (response._tag !== "Chunk") continue
        socket.send(ACK)
        for (const { _tag } of response.values ?? []) if (_tag === "RateChanged") updates++
      }
      return updates
    }
  }
}
