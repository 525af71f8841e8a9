import { Effect } from "effect"
import type { Socket } from "node:net"

/** Waits until the client has read what was written to it, or is disconnected. `StreamConnections` disconnects stalled clients. */
export const awaitDrain = (tcp: Socket): Effect.Effect<void> =>
  Effect.suspend(() => (tcp.writableNeedDrain ? awaitEvent(tcp, "drain", "close") : Effect.void))

/** Waits for the first of several events of a socket. */
export const awaitEvent = (tcp: Socket, ...events: ReadonlyArray<"drain" | "close">): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    const done = () => resume(Effect.void)
    for (const event of events) tcp.once(event, done)
    return Effect.sync(() => {
      for (const event of events) tcp.off(event, done)
    })
  })
