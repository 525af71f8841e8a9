import { assert, describe, it } from "@effect/vitest"
import { Context, Duration, Effect, Exit, Fiber, Layer, Scope } from "effect"
import { connect } from "node:net"
import { TestServer } from "../support/TestServer.ts"

/** Starts a server, opens connections to it, and returns the milliseconds that its shutdown takes. */
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
  const [elapsed] = yield* Effect.timed(Scope.close(scope, Exit.void))
  for (const socket of sockets) socket.destroy()
  return Duration.toMillis(elapsed)
})

describe("Shutdown", () => {
  it.live("does not wait for connections without a complete request", () =>
    Effect.gen(function* () {
      const complete = "GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"
      assert.isBelow(yield* stopAfter("", "GET /health", complete, `${complete}GET`), 5000)
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
        `POST /api/v1/convert HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 9)}`
      )
      yield* Effect.sleep("50 millis")
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
