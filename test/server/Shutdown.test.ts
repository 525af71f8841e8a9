import { assert, describe, it } from "@effect/vitest"
import { Context, Duration, Effect, Exit, Fiber, Layer, Scope } from "effect"
import { connect } from "node:net"
import { TestServer } from "../support/TestServer.ts"

/** Starts a server, lets connections be opened to it, and returns how long it took to stop. */
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
  const [took] = yield* Effect.timed(Scope.close(scope, Exit.void))
  for (const socket of sockets) socket.destroy()
  return Duration.toMillis(took)
})

describe("A server that stops", () => {
  it.live("does not wait for connections on which nothing is asked", () =>
    Effect.gen(function* () {
      const whole = "GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"
      assert.isBelow(yield* stopAfter("", "GET /health", whole, `${whole}GET`), 5000)
    })
  )

  it.live("answers a conversion whose body comes later, and says that the connection is not kept", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const services = yield* Layer.build(TestServer.layer()).pipe(Scope.provide(scope))
      const { port } = Context.get(services, TestServer)
      const body = JSON.stringify({ amount: "500.00", from_currency: "USD", to_currency: "NGN" })
      const socket = connect({ port, host: "127.0.0.1" })
      let answer = ""
      socket.on("data", (chunk) => (answer += chunk.toString()))
      socket.write(
        `POST /api/v1/convert HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 9)}`
      )
      yield* Effect.sleep("50 millis")
      const stopping = yield* Effect.forkChild(Scope.close(scope, Exit.void), { startImmediately: true })
      yield* Effect.sleep("100 millis")
      socket.write(body.slice(9))
      yield* Fiber.join(stopping)
      socket.destroy()
      assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/)
      assert.match(answer, /^connection: close\r$/im)
      assert.match(answer, /"output_amount":"[\d.]+"/)
    })
  )
})
