import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { change } from "../../support/RateChanges.ts"
import * as RawSocket from "../../support/RawSocket.ts"
import { eventually } from "../../support/Waiters.ts"
import { get, TestServer } from "../../support/TestServer.ts"

const MESSAGES = 10_000
const FLOOD = Buffer.concat(Array.from({ length: MESSAGES }, () => RawSocket.frame(RawSocket.TEXT)))

/** Sends many invalid messages, and returns a function that counts the replies. */
const flood = Effect.fnUntraced(function* (port: number) {
  let replies = 0
  const { socket, status } = yield* RawSocket.connect(port, RawSocket.handshake("/ws/rates/"))
  yield* status
  // Only counts the replies, because so many would fill the memory.
  socket
    .removeAllListeners("data")
    .on("data", (bytes: Buffer) => (replies += bytes.toString("latin1").split('"error"').length - 1))
  socket.write(FLOOD)
  return () => replies
})

layer(TestServer.layer(), { excludeTestServices: true })("A client that floods a WebSocket", (it) => {
  it.effect("does not delay other clients, and receives all replies", () =>
    Effect.gen(function* () {
      const { port } = yield* TestServer
      yield* change("USD:NGN", "1534.5")
      const replies = yield* flood(port)
      yield* eventually("reply", () => replies() > 0 || undefined)
      for (let i = 0; i < 5; i++) {
        const { status } = yield* get("/api/v1/rates?from=USD&to=NGN")
        assert.strictEqual(status, 200)
      }
      assert.isBelow(replies(), MESSAGES / 4)
      yield* eventually("all replies", () => replies() === MESSAGES || undefined)
    }).pipe(Effect.scoped)
  )
})
