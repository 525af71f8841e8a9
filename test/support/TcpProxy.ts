import { Effect } from "effect"
import { connect, createServer, type NetConnectOpts, type Socket } from "node:net"

/** What slows down everything that goes through a door, each way. */
export interface Slowness {
  /** How long each byte is under way. */
  readonly latencyMillis?: number
  /** How many bytes arrive at once; whatever was sent together is cut into as many. */
  readonly sliceBytes?: number
  /** How much goes through in a second. */
  readonly bytesPerSecond?: number
}

/** A door in front of a server, which can be shut in the ways in which networks fail. */
export interface TcpProxy {
  readonly port: number
  /** Swallows everything from now on, in both directions, without closing anything. */
  readonly blackhole: () => void
  /** Swallows what the server says, from now on or from when it is told some text, which it is told still. */
  readonly mute: (text?: string) => void
  /** Closes every connection with a reset, and refuses new ones. */
  readonly reset: () => void
  /** Lets everything through from now on, but slowly. */
  readonly slow: (slowness: Slowness) => void
  /** Lets everything through again, over new connections. */
  readonly heal: () => void
}

type Mode = "open" | "blackhole" | "mute" | "refuse"

/** What a door lets through to the server, and from it. */
const LETS: Record<Mode, { readonly there: boolean; readonly back: boolean }> = {
  open: { there: true, back: true },
  mute: { there: true, back: false },
  blackhole: { there: false, back: false },
  refuse: { there: false, back: false }
}

/** Opens a door to a server for as long as the scope is open. */
export const open = (target: NetConnectOpts) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      let mode: Mode = "open"
      let slowness: Slowness | undefined
      let muteAt: string | undefined
      const sockets = new Set<Socket>()
      const server = createServer((inner) => {
        sockets.add(inner)
        inner.on("close", () => sockets.delete(inner))
        inner.on("error", () => inner.destroy())
        if (mode === "refuse") {
          inner.resetAndDestroy()
          return
        }
        const outer = connect(target)
        outer.on("error", () => inner.destroy())
        const there = writing(outer, () => slowness)
        const back = writing(inner, () => slowness)
        inner.on("data", (chunk: Buffer) => {
          if (muteAt !== undefined && chunk.includes(muteAt)) mode = "mute"
          if (LETS[mode].there) there(chunk)
        })
        outer.on("data", (chunk: Buffer) => LETS[mode].back && back(chunk))
        inner.on("close", () => outer.destroy())
        outer.on("close", () => mode === "open" && inner.destroy())
      })
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
      const address = server.address()
      const cut = () => {
        for (const socket of sockets) socket.resetAndDestroy()
      }
      return {
        port: typeof address === "object" && address !== null ? address.port : 0,
        blackhole: () => {
          mode = "blackhole"
        },
        mute: (text?: string) => {
          if (text === undefined) mode = "mute"
          muteAt = text
        },
        reset: () => {
          mode = "refuse"
          cut()
        },
        slow: (given: Slowness) => {
          slowness = given
        },
        heal: () => {
          mode = "open"
          slowness = undefined
          muteAt = undefined
          cut()
        },
        close: () => {
          cut()
          server.close()
        }
      }
    }),
    (door) => Effect.sync(door.close)
  ).pipe(Effect.map((door): TcpProxy => door))

/** Writes to a socket in order, as slowly as is asked for when something is to be written. */
const writing = (socket: Socket, slowness: () => Slowness | undefined) => {
  socket.setNoDelay(true)
  let last = Promise.resolve()
  let free = 0
  const write = async (
    chunk: Buffer,
    sentAt: number,
    { bytesPerSecond, latencyMillis = 0, sliceBytes }: Slowness
  ) => {
    const takes = bytesPerSecond === undefined ? 0 : (chunk.length / bytesPerSecond) * 1000
    free = Math.max(free, sentAt) + takes
    await sleep(free + latencyMillis - performance.now())
    const size = sliceBytes ?? chunk.length
    for (let at = 0; at < chunk.length && !socket.destroyed; at += size) {
      socket.write(chunk.subarray(at, at + size))
      // Whoever reads must have had the chance to take the one before by itself.
      if (size < chunk.length) await new Promise((resolve) => setImmediate(resolve))
    }
  }
  let waiting = 0
  return (chunk: Buffer) => {
    const slow = slowness()
    if (slow === undefined && waiting === 0) {
      socket.write(chunk)
      return
    }
    waiting++
    const sentAt = performance.now()
    last = last.then(() => write(chunk, sentAt, slow ?? {})).finally(() => waiting--)
  }
}

const sleep = (millis: number) =>
  millis <= 0 ? Promise.resolve() : new Promise<void>((resolve) => setTimeout(resolve, millis))
