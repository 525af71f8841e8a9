import { layer } from "@effect/vitest"
import { Effect } from "effect"
import { connect } from "node:net"
import * as RawSocket from "../../support/RawSocket.ts"
import { TestServer } from "../../support/TestServer.ts"
import { eventually } from "../../support/Waiters.ts"

const REJECTED_HANDSHAKE = RawSocket.handshake("/ws/rates/", { Authorization: "Bearer efx_wrong" })

const CLIENTS = 20

/** Sends a handshake with an invalid key, and more data after the rejection. */
const connectAndKeepSending = (port: number) =>
  Effect.callback<void>((resume) => {
    const socket = connect({ port, host: "127.0.0.1" })
    socket.on("error", () => {})
    socket.once("data", () => socket.end("x".repeat(100)))
    socket.once("close", () => resume(Effect.void))
    socket.write(REJECTED_HANDSHAKE)
  })

/** Number of open TCP sockets of this process, counting both ends. */
const openSockets = () => process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length

layer(TestServer.layer(), { excludeTestServices: true })("ConnectionUpgrades", (it) => {
  it.effect("close the connection of a rejected handshake, even if the client keeps sending", () =>
    Effect.gen(function* () {
      const { port } = yield* TestServer
      const before = openSockets()
      yield* Effect.forEach(Array.from({ length: CLIENTS }), () => connectAndKeepSending(port), {
        concurrency: CLIENTS
      })
      yield* eventually("closed connections", () => openSockets() < before + CLIENTS / 2 || undefined)
    })
  )
})
