import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { PassThrough } from "node:stream"
import { NodeServer } from "../../../src/server/node/NodeServer.ts"

/** A connection whose other end is gone. */
const lost = () => Object.assign(new Error("write ECONNRESET"), { code: "ECONNRESET" })

/** What is answered to a caller whose request Node gives up. */
const answerTo = Effect.fnUntraced(function* (code: string) {
  const { server } = yield* NodeServer
  const socket = new PassThrough()
  server.emit("clientError", Object.assign(new Error(code), { code }), socket)
  const [head = "", body = ""] = String(socket.read()).split("\r\n\r\n")
  const problem: Readonly<Record<string, unknown>> = JSON.parse(body)
  return { status: head.split("\r\n")[0], code: problem["code"], retryable: problem["retryable"] }
}, Effect.provide(NodeServer.layer))

describe("What Node refuses by itself", () => {
  it.effect(
    "may be sent again where it only came too late, as to a process that was stopped for a while",
    () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* answerTo("ERR_HTTP_REQUEST_TIMEOUT"), {
          status: "HTTP/1.1 408 Request Timeout",
          code: "request-timeout",
          retryable: true
        })
      })
  )

  it.effect("must not be sent again where it cannot be read", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* answerTo("HPE_INVALID_METHOD"), {
        status: "HTTP/1.1 400 Bad Request",
        code: "invalid-request",
        retryable: false
      })
    })
  )

  it.effect("does not end the process where the caller is gone already", () =>
    Effect.gen(function* () {
      const { server } = yield* NodeServer
      for (const event of ["connect", "clientError"] as const) {
        const socket = new PassThrough()
        server.emit(event, new Error("HPE_INVALID_METHOD"), socket)
        // Node takes its own listener off a connection that asks for a tunnel.
        assert.doesNotThrow(() => socket.emit("error", lost()))
        assert.isTrue(socket.destroyed)
      }
    }).pipe(Effect.provide(NodeServer.layer))
  )
})
