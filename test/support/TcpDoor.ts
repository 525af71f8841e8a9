import { Effect } from "effect"
import { connect, createServer, type NetConnectOpts, type Socket } from "node:net"

/** A door in front of a server, which can be shut in the ways in which networks fail. */
export interface TcpDoor {
  readonly port: number
  /** Swallows everything from now on, in both directions, without closing anything. */
  readonly blackhole: () => void
  /** Closes every connection with a reset, and refuses new ones. */
  readonly reset: () => void
  /** Lets everything through again, over new connections. */
  readonly heal: () => void
}

/** Opens a door to a server for as long as the scope is open. */
export const open = (target: NetConnectOpts) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      let mode: "open" | "blackhole" | "refuse" = "open"
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
        inner.on("data", (chunk) => mode === "open" && outer.write(chunk))
        outer.on("data", (chunk) => mode === "open" && inner.write(chunk))
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
        reset: () => {
          mode = "refuse"
          cut()
        },
        heal: () => {
          mode = "open"
          cut()
        },
        close: () => {
          cut()
          server.close()
        }
      }
    }),
    (door) => Effect.sync(door.close)
  ).pipe(Effect.map((door): TcpDoor => door))
