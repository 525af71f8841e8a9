import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { PassThrough } from "node:stream"
import { NodeServer } from "../../../src/server/node/NodeServer.ts"

const connectionReset = () => Object.assign(new Error("write ECONNRESET"), { code: "ECONNRESET" })

/** Returns the response to a request that Node rejects with an error code. */
const rejectionOf = Effect.fnUntraced(function* (code: string) {
  const { server } = yield* NodeServer
  const socket = new PassThrough()
  server.emit("clientError", Object.assign(new Error(code), { code }), socket)
  const [head = "", body = ""] = String(socket.read()).split("\r\n\r\n")
  const problem: Readonly<Record<string, unknown>> = JSON.parse(body)
  return { status: head.split("\r\n")[0], code: problem["code"], retryable: problem["retryable"] }
}, Effect.provide(NodeServer.layer))

describe("NodeServer", () => {
  it.effect("responds to a request that arrived too late with a retryable problem", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* rejectionOf("ERR_HTTP_REQUEST_TIMEOUT"), {
        status: "HTTP/1.1 408 Request Timeout",
        code: "request-timeout",
        retryable: true
      })
    })
  )

  it.effect("responds to a malformed request with a problem that is not retryable", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* rejectionOf("HPE_INVALID_METHOD"), {
        status: "HTTP/1.1 400 Bad Request",
        code: "invalid-request",
        retryable: false
      })
    })
  )

  it.effect("survives errors on connections that were already reset", () =>
    Effect.gen(function* () {
      const { server } = yield* NodeServer
      for (const event of ["connect", "clientError"] as const) {
        const socket = new PassThrough()
        server.emit(event, new Error("HPE_INVALID_METHOD"), socket)
        // Node removes its own listener from a CONNECT request's connection.
        assert.doesNotThrow(() => socket.emit("error", connectionReset()))
        assert.isTrue(socket.destroyed)
      }
    }).pipe(Effect.provide(NodeServer.layer))
  )

  it.live("answers requests that arrive after the port is open and before the router listens", () =>
    Effect.gen(function* () {
      const { intercept, server } = yield* NodeServer
      let arrived = 0
      const bothArrived = Promise.withResolvers<void>()
      yield* intercept(() => {
        if (++arrived === 2) bothArrived.resolve()
        return false
      })
      yield* Effect.callback<void>((resume) => {
        server.listen(0, "127.0.0.1", () => resume(Effect.void))
      })
      const address = server.address()
      assert(address !== null && typeof address !== "string")
      const get = async (path: string) => {
        const response = await fetch(`http://127.0.0.1:${address.port}${path}`)
        return response.text()
      }
      const early = [get("/first"), get("/second")]
      yield* Effect.promise(() => bothArrived.promise)
      server.on("request", (request, response) => response.end(request.url))
      assert.deepStrictEqual(yield* Effect.promise(() => Promise.all(early)), ["/first", "/second"])
    }).pipe(Effect.provide(NodeServer.layer))
  )
})
