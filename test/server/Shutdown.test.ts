import { assert, describe, it } from "@effect/vitest"
import { Clock, Context, Duration, Effect, Exit, Fiber, Layer, Scope } from "effect"
import { connect } from "node:net"
import * as SkewedClock from "../support/SkewedClock.ts"
import { TestServer } from "../support/TestServer.ts"
import { eventually } from "../support/Waiters.ts"

/** A clock on which the shutdown timeout never elapses, so that a shutdown that waits for it hangs. */
const clockWithoutTimeouts = Effect.map(SkewedClock.make, ({ clock }): Clock.Clock => ({
  ...clock,
  sleep: (duration) => (Duration.toSeconds(duration) < 5 ? clock.sleep(duration) : Effect.never)
}))

/** Starts a server, opens connections to it, and stops it without its timeout. */
const stopAfter = Effect.fnUntraced(function* (...requests: ReadonlyArray<string>) {
  const scope = yield* Scope.make()
  const services = yield* Layer.build(TestServer.layer()).pipe(Scope.provide(scope))
  const { port } = Context.get(services, TestServer)
  const sockets = requests.map((request) => {
    const socket = connect({ port, host: "127.0.0.1" })
    socket.on("error", () => {})
    socket.write(request)
    return socket
  })
  yield* Effect.sleep("50 millis")
  yield* Effect.provideService(Scope.close(scope, Exit.void), Clock.Clock, yield* clockWithoutTimeouts)
  for (const socket of sockets) socket.destroy()
})

describe("Shutdown", () => {
  it.live("does not wait for connections without a complete request", () =>
    Effect.gen(function* () {
      const complete = "GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"
      yield* stopAfter("", "GET /health", complete, `${complete}GET`)
    })
  )

  it.live("responds to a conversion whose body arrives during the shutdown, and closes the connection", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const services = yield* Layer.build(TestServer.layer()).pipe(Scope.provide(scope))
      const { port } = Context.get(services, TestServer)
      const body = JSON.stringify({ amount: "500.00", from_currency: "USD", to_currency: "NGN" })
      const socket = connect({ port, host: "127.0.0.1" })
      let response = ""
      socket.on("data", (chunk) => (response += chunk.toString()))
      socket.write(
        `POST /api/v1/convert HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\nExpect: 100-continue\r\n\r\n`
      )
      yield* eventually("100 Continue", () => response.includes("100 Continue\r\n\r\n") || undefined)
      response = ""
      socket.write(body.slice(0, 9))
      const shutdown = yield* Effect.forkChild(Scope.close(scope, Exit.void), { startImmediately: true })
      yield* Effect.sleep("100 millis")
      socket.write(body.slice(9))
      yield* Fiber.join(shutdown)
      socket.destroy()
      assert.match(response, /^HTTP\/1\.1 200 OK\r\n/)
      assert.match(response, /^connection: close\r$/im)
      assert.match(response, /"output_amount":"[\d.]+"/)
    })
  )
})
