import { Context, Effect, Latch, Semaphore } from "effect"
import { HttpServerRequest } from "effect/http"
import { Socket } from "effect/socket"
import type { Socket as TcpSocket } from "node:net"
import * as BackPressure from "../stream/BackPressure.ts"

/** Maximum concurrent calls of one connection. A 64 KiB packet or request body can contain 900 calls. */
const MAX_CONCURRENT_CALLS = 64

/** Runs up to {@link MAX_CONCURRENT_CALLS} calls of one connection at a time, and queues the others. */
const makeCallLimiter = () => {
  const hasCapacity = Latch.makeUnsafe(true)
  const permits = Semaphore.makeUnsafe(MAX_CONCURRENT_CALLS)
  /** Running and queued calls. */
  let pending = 0
  const start = Effect.sync(() => {
    if (++pending === MAX_CONCURRENT_CALLS) hasCapacity.closeUnsafe()
  })
  const finish = Effect.sync(() => {
    if (--pending < MAX_CONCURRENT_CALLS) hasCapacity.openUnsafe()
  })
  const awaitCapacity = (tcp: TcpSocket) =>
    Effect.suspend(() =>
      pending < MAX_CONCURRENT_CALLS || tcp.closed
        ? Effect.void
        : Effect.raceFirst(hasCapacity.await, BackPressure.awaitEvent(tcp, "close"))
    )
  return { start, finish, withPermit: permits.withPermit, awaitCapacity }
}

/** Limiter of the connection that a call arrived on. */
class CallLimiter extends Context.Reference<ReturnType<typeof makeCallLimiter>>(
  "effex/server/rpc/RpcBackPressure/CallLimiter",
  { defaultValue: makeCallLimiter }
) {}

/** Runs a call once its connection has a permit for it. */
export const withPermit = <A, E, R>(call: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(CallLimiter, ({ finish, start, withPermit }) =>
    Effect.acquireUseRelease(
      start,
      () => withPermit(call),
      () => finish
    )
  )

/**
 * Gives an endpoint a call limiter, and pauses reading from the connection that it upgrades while too many calls are
 * pending or the client does not read the responses.
 */
export const limitConnection =
  (tcp: TcpSocket) =>
  <A, E, R>(endpoint: Effect.Effect<A, E, R>): Effect.Effect<A, E, R | HttpServerRequest.HttpServerRequest> =>
    Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
      const limiter = makeCallLimiter()
      const ready = Effect.andThen(limiter.awaitCapacity(tcp), BackPressure.awaitDrain(tcp))
      const upgrade = Effect.map(request.upgrade, ({ reader, writer }) =>
        Socket.make({
          writer,
          reader: Effect.map(reader, (from) => ({ ...from, pull: Effect.andThen(ready, from.pull) }))
        })
      )
      const limitedRequest: HttpServerRequest.HttpServerRequest = Object.create(request, {
        upgrade: { value: upgrade }
      })
      return endpoint.pipe(
        Effect.provideService(HttpServerRequest.HttpServerRequest, limitedRequest),
        Effect.provideService(CallLimiter, limiter)
      )
    })
