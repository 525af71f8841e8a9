import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { change } from "../../support/RateChanges.ts"
import * as RawSocket from "../../support/RawSocket.ts"
import { eventually } from "../../support/SocketClient.ts"
import { get, TestServer } from "../../support/TestServer.ts"

const MESSAGES = 10_000
const FLOOD = Buffer.concat(Array.from({ length: MESSAGES }, () => RawSocket.frame(RawSocket.TEXT)))

/** Sends more than can be answered in a moment, and counts what was. */
const flood = Effect.fnUntraced(function* (port: number) {
  let answers = 0
  const { socket, status } = yield* RawSocket.connect(port, RawSocket.handshake("/ws/rates/"))
  yield* status
  // So many answers are counted, and not kept.
  socket
    .removeAllListeners("data")
    .on("data", (bytes: Buffer) => (answers += bytes.toString("latin1").split('"error"').length - 1))
  socket.write(FLOOD)
  return () => answers
})

layer(TestServer.layer(), { excludeTestServices: true })("A client who floods a WebSocket", (it) => {
  it.effect("leaves the others their turn, and is answered all the same", () =>
    Effect.gen(function* () {
      const { port } = yield* TestServer
      yield* change("USD:NGN", "1534.5")
      const answers = yield* flood(port)
      yield* eventually("answer", () => answers() > 0 || undefined)
      for (let i = 0; i < 5; i++) {
        const { status } = yield* get("/api/v1/rates?from=USD&to=NGN")
        assert.strictEqual(status, 200)
      }
      assert.isBelow(answers(), MESSAGES / 4)
      yield* eventually("all of the answers", () => answers() === MESSAGES || undefined, 20_000)
    }).pipe(Effect.scoped)
  )
})
