import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { connect } from "node:net"
import { change } from "../support/Changes.ts"
import { get, TestServer } from "../support/TestServer.ts"

const UPGRADE = [
  "GET /ws/rates/ HTTP/1.1",
  "Host: localhost",
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "",
  ""
].join("\r\n")

/** A text without a byte, and its mask. */
const EMPTY = [0x81, 0x80, 1, 2, 3, 4]
const MESSAGES = 10_000
const FLOOD = Buffer.from(Array.from({ length: MESSAGES }, () => EMPTY).flat())

/** Sends more than can be answered in a moment, and counts what was. */
const flood = (port: number) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly answers: () => number; readonly close: () => void }>((resume) => {
      let answers = 0
      const socket = connect({ port, host: "127.0.0.1" })
      socket.once("data", () => {
        socket.on("data", (bytes) => (answers += bytes.toString("latin1").split('"error"').length - 1))
        socket.write(FLOOD)
        resume(Effect.succeed({ answers: () => answers, close: () => socket.destroy() }))
      })
      socket.write(UPGRADE)
    }),
    ({ close }) => Effect.sync(close)
  )

layer(TestServer.layer(), { excludeTestServices: true })("A client who floods a WebSocket", (it) => {
  it.effect("leaves the others their turn, and is answered all the same", () =>
    Effect.gen(function* () {
      const { port } = yield* TestServer
      yield* change("USD:NGN", "1534.5")
      const { answers } = yield* flood(port)
      yield* Effect.repeat(Effect.sync(answers).pipe(Effect.delay("1 millis")), {
        until: (count) => count > 0
      })
      for (let i = 0; i < 5; i++) {
        const { status } = yield* get("/api/v1/rates?from=USD&to=NGN")
        assert.strictEqual(status, 200)
      }
      assert.isBelow(answers(), MESSAGES / 4)
      yield* Effect.repeat(Effect.sync(answers).pipe(Effect.delay("10 millis")), {
        until: (count) => count === MESSAGES
      }).pipe(Effect.timeout("20 seconds"))
    }).pipe(Effect.scoped)
  )
})
