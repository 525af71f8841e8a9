import { Context, Effect, Latch, Semaphore } from "effect"
import { HttpServerRequest } from "effect/http"
import { Socket } from "effect/socket"
import type { Socket as TcpSocket } from "node:net"

/** Waits until what was written has gone to the client; who never takes it is cut by `StreamConnections`. */
export const drained = (tcp: TcpSocket): Effect.Effect<void> =>
  Effect.suspend(() => (tcp.writableNeedDrain ? untilOneOf(tcp, "drain", "close") : Effect.void))

const untilOneOf = (tcp: TcpSocket, ...events: ReadonlyArray<"drain" | "close">) =>
  Effect.callback<void>((resume) => {
    const done = () => resume(Effect.void)
    for (const event of events) tcp.once(event, done)
    return Effect.sync(() => {
      for (const event of events) tcp.off(event, done)
    })
  })

/** How many calls of one connection may be under way before it is asked no more. */
const MAX_CALLS = 64

/** One packet of 64 KiB can hold 900 calls, and so can one body: the ones above the number wait for their turn. */
const makeCalls = () => {
  const fewer = Latch.makeUnsafe(true)
  const turns = Semaphore.makeUnsafe(MAX_CALLS)
  let begun = 0
  const begin = Effect.sync(() => {
    if (++begun === MAX_CALLS) fewer.closeUnsafe()
  })
  const end = Effect.sync(() => {
    if (--begun < MAX_CALLS) fewer.openUnsafe()
  })
  /** Waits until there are fewer, or nobody is left to be answered. */
  const fewerOn = (tcp: TcpSocket) =>
    Effect.suspend(() =>
      begun < MAX_CALLS || tcp.closed ? Effect.void : Effect.raceFirst(fewer.await, untilOneOf(tcp, "close"))
    )
  return { begin, end, inTurn: turns.withPermit, fewerOn }
}

/** The calls that are under way on the connection that a call came over. */
class Calls extends Context.Reference<ReturnType<typeof makeCalls>>(
  "effex/server/stream/BackPressure/Calls",
  {
    defaultValue: makeCalls
  }
) {}

/** Makes a call when it is its turn, and counts it for as long as it waits or is under way. */
export const counted = <A, E, R>(call: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(Calls, ({ begin, end, inTurn }) =>
    Effect.acquireUseRelease(
      begin,
      () => inTurn(call),
      () => end
    )
  )

/**
 * Whatever the endpoint upgrades the request to is asked no more while too many of its calls are under way, or while its
 * client does not take the answers.
 */
export const paced =
  (tcp: TcpSocket) =>
  <A, E, R>(endpoint: Effect.Effect<A, E, R>): Effect.Effect<A, E, R | HttpServerRequest.HttpServerRequest> =>
    Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
      const calls = makeCalls()
      const ready = Effect.andThen(calls.fewerOn(tcp), drained(tcp))
      const upgrade = Effect.map(request.upgrade, ({ reader, writer }) =>
        Socket.make({
          writer,
          reader: Effect.map(reader, (from) => ({ ...from, pull: Effect.andThen(ready, from.pull) }))
        })
      )
      const modified: HttpServerRequest.HttpServerRequest = Object.create(request, {
        upgrade: { value: upgrade }
      })
      return endpoint.pipe(
        Effect.provideService(HttpServerRequest.HttpServerRequest, modified),
        Effect.provideService(Calls, calls)
      )
    })
