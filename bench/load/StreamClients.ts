import { Effect } from "effect"
import { WebSocket } from "ws"
import { ProcessFailed } from "../Processes.ts"

/** How streams are read. */
export type Protocol = "websocket" | "rpc"

/** Clients that are told of every change. */
export interface StreamClients {
  /** How many changes all of them together have been told of so far. */
  readonly updates: () => number
}

/** How many connections are opened at once. */
const OPENING = 50

const PATHS: Readonly<Record<Protocol, string>> = { websocket: "/ws/rates/", rpc: "/rpc" }

/** Opens streams of all pairs, for as long as the scope is open, and waits until each of them was told the first rates. */
export const open = Effect.fnUntraced(function* (url: string, protocol: Protocol, count: number) {
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
    { concurrency: OPENING, discard: true }
  )
  return { updates: () => counter.updates } satisfies StreamClients
})

/** Says what to be told of, and how many changes a message tells. */
interface Reader {
  readonly begin?: string
  readonly read: (message: Buffer, socket: WebSocket) => number
}

const connected = (address: string, { begin, read }: Reader, counter: { updates: number }) =>
  new Promise<WebSocket>((resolve, reject) => {
    const socket = new WebSocket(address, { perMessageDeflate: false, skipUTF8Validation: true })
    socket.on("open", () => begin !== undefined && socket.send(begin))
    socket.on("message", (message: Buffer) => {
      counter.updates += read(message, socket)
      resolve(socket)
    })
    socket.on("error", reject)
    socket.on("close", (code) => reject(new Error(`closed with ${code}`)))
  })

const UPDATE = `{"type":"rate_update"`
const REQUEST = { _tag: "Request", id: "0", tag: "WatchRates", payload: {}, headers: [] }
const ACK = JSON.stringify({ _tag: "Ack", requestId: "0" })

interface RpcResponse {
  readonly _tag: string
  readonly values?: ReadonlyArray<{ readonly _tag: string }>
}

const readers: Readonly<Record<Protocol, Reader>> = {
  websocket: {
    read: (message) => (message.toString("latin1", 0, UPDATE.length) === UPDATE ? 1 : 0)
  },
  rpc: {
    begin: JSON.stringify(REQUEST),
    read: (message, socket) => {
      const read: RpcResponse | ReadonlyArray<RpcResponse> = JSON.parse(message.toString())
      let updates = 0
      for (const response of [read].flat()) {
        if (response._tag !== "Chunk") continue
        socket.send(ACK)
        for (const { _tag } of response.values ?? []) if (_tag === "RateChanged") updates++
      }
      return updates
    }
  }
}
