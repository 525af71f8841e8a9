import { Effect } from "effect"
import { connect, createServer, type NetConnectOpts, type Socket } from "node:net"

/** Limits on the traffic of a proxy, in each direction. */
export interface Throttle {
  /** Delay of each byte. */
  readonly latencyMillis?: number
  /** Maximum size of a chunk; larger chunks are split. */
  readonly sliceBytes?: number
  /** Bandwidth limit. */
  readonly bytesPerSecond?: number
}

/** A TCP proxy in front of a server that simulates network failures. */
export interface TcpProxy {
  readonly port: number
  /** Drops all data in both directions without closing connections. */
  readonly blackhole: () => void
  /** Drops data from the server: at once, or after the client has sent the given text, which is still forwarded. */
  readonly mute: (text?: string) => void
  /** Resets all connections and rejects new ones. */
  readonly reset: () => void
  /** Resolves when the proxy has rejected a connection after now. */
  readonly rejection: () => Promise<void>
  /** Throttles all traffic. */
  readonly slow: (throttle: Throttle) => void
  /** Ends all failures. Existing connections are reset. */
  readonly heal: () => void
}

type Mode = "open" | "blackhole" | "mute" | "refuse"

/** Directions in which each mode forwards data. */
const FORWARDS: Record<Mode, { readonly toServer: boolean; readonly toClient: boolean }> = {
  open: { toServer: true, toClient: true },
  mute: { toServer: true, toClient: false },
  blackhole: { toServer: false, toClient: false },
  refuse: { toServer: false, toClient: false }
}

/** Opens a proxy to a server until the scope closes. */
export const open = (target: NetConnectOpts) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      let mode: Mode = "open"
      let throttle: Throttle | undefined
      let muteAfter: string | undefined
      const sockets = new Set<Socket>()
      const onRejection: Array<() => void> = []
      const server = createServer((client) => {
        sockets.add(client)
        client.on("close", () => sockets.delete(client))
        client.on("error", () => client.destroy())
        if (mode === "refuse") {
          client.resetAndDestroy()
          for (const resolve of onRejection.splice(0)) resolve()
          return
        }
        const upstream = connect(target)
        upstream.on("error", () => client.destroy())
        const toServer = throttledWriter(upstream, () => throttle)
        const toClient = throttledWriter(client, () => throttle)
        client.on("data", (chunk: Buffer) => {
          if (muteAfter !== undefined && chunk.includes(muteAfter)) mode = "mute"
          if (FORWARDS[mode].toServer) toServer(chunk)
        })
        upstream.on("data", (chunk: Buffer) => FORWARDS[mode].toClient && toClient(chunk))
        client.on("close", () => upstream.destroy())
        upstream.on("close", () => mode === "open" && client.destroy())
      })
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
      const address = server.address()
      const resetAll = () => {
        for (const socket of sockets) socket.resetAndDestroy()
      }
      return {
        port: typeof address === "object" && address !== null ? address.port : 0,
        blackhole: () => {
          mode = "blackhole"
        },
        mute: (text?: string) => {
          if (text === undefined) mode = "mute"
          muteAfter = text
        },
        reset: () => {
          mode = "refuse"
          resetAll()
        },
        rejection: () => new Promise<void>((resolve) => onRejection.push(resolve)),
        slow: (newThrottle: Throttle) => {
          throttle = newThrottle
        },
        heal: () => {
          mode = "open"
          throttle = undefined
          muteAfter = undefined
          resetAll()
        },
        close: () => {
          resetAll()
          server.close()
        }
      }
    }),
    (proxy) => Effect.sync(proxy.close)
  ).pipe(Effect.map((proxy): TcpProxy => proxy))

/** Makes a function that writes chunks to a socket in order, with the throttle in force at each write. */
const throttledWriter = (socket: Socket, throttle: () => Throttle | undefined) => {
  socket.setNoDelay(true)
  let lastWrite = Promise.resolve()
  let freeAt = 0
  const write = async (
    chunk: Buffer,
    sentAt: number,
    { bytesPerSecond, latencyMillis = 0, sliceBytes }: Throttle
  ) => {
    const transferMillis = bytesPerSecond === undefined ? 0 : (chunk.length / bytesPerSecond) * 1000
    freeAt = Math.max(freeAt, sentAt) + transferMillis
    await sleep(freeAt + latencyMillis - performance.now())
    const size = sliceBytes ?? chunk.length
    for (let at = 0; at < chunk.length && !socket.destroyed; at += size) {
      socket.write(chunk.subarray(at, at + size))
      // Lets the reader receive each slice separately.
      if (size < chunk.length) await new Promise((resolve) => setImmediate(resolve))
    }
  }
  let queued = 0
  return (chunk: Buffer) => {
    const current = throttle()
    if (current === undefined && queued === 0) {
      socket.write(chunk)
      return
    }
    queued++
    const sentAt = performance.now()
    lastWrite = lastWrite.then(() => write(chunk, sentAt, current ?? {})).finally(() => queued--)
  }
}

const sleep = (millis: number) =>
  millis <= 0 ? Promise.resolve() : new Promise<void>((resolve) => setTimeout(resolve, millis))
