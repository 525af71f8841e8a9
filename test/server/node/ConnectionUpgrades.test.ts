import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { connect } from "node:net"
import * as RawSocket from "../../support/RawSocket.ts"
import { TestServer } from "../../support/TestServer.ts"

const REFUSED = RawSocket.handshake("/ws/rates/", { Authorization: "Bearer efx_wrong" })

const CLIENTS = 20

/** Asks for a WebSocket with a key that is not in force, says more once it is refused, and goes. */
const insist = (port: number) =>
  Effect.callback<void>((resume) => {
    const socket = connect({ port, host: "127.0.0.1" })
    socket.on("error", () => {})
    socket.once("data", () => socket.end("x".repeat(100)))
    socket.once("close", () => resume(Effect.void))
    socket.write(REFUSED)
  })

/** The connections of this process, at both of their ends. */
const connections = Effect.sync(
  () => process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length
)

layer(TestServer.layer(), { excludeTestServices: true })(
  "A request for a WebSocket that is refused",
  (it) => {
    it.effect("leaves no connection behind, whatever its client still says", () =>
      Effect.gen(function* () {
        const { port } = yield* TestServer
        const before = yield* connections
        yield* Effect.forEach(Array.from({ length: CLIENTS }), () => insist(port), { concurrency: CLIENTS })
        yield* connections.pipe(
          Effect.delay("50 millis"),
          Effect.repeat({ until: (count) => count < before + CLIENTS / 2 }),
          Effect.timeout("5 seconds")
        )
        assert.isBelow(yield* connections, before + CLIENTS / 2)
      })
    )
  }
)
