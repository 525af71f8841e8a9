import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Settings } from "../../../src/config/Settings.ts"
import { Broadcaster } from "../../../src/rates/feed/Broadcaster.ts"
import { StreamTimeouts } from "../../../src/server/stream/StreamConnections.ts"
import { rate } from "../../support/SampleRates.ts"
import * as RawSocket from "../../support/RawSocket.ts"
import { open } from "../../support/SocketClient.ts"
import { eventually, eventuallyFrom } from "../../support/Waiters.ts"
import { get, TestServer } from "../../support/TestServer.ts"

const HEALTHY = 20
const ROUNDS = 500
/** A flood keeps a busy machine occupied for more than a minute. */
const FLOOD_TIMEOUT_MILLIS = 240_000
const MAX_MEMORY_BYTES = 256 * 1024 * 1024

/** Changes every rate many times, to exceed the buffers of the operating system. */
const flood = Effect.fnUntraced(function* (rounds: number) {
  const broadcaster = yield* Broadcaster
  const { pairs } = yield* Settings
  for (let n = 1; n <= rounds; n++) {
    for (const pair of pairs.all) yield* broadcaster.publish(rate(pair, n))
    yield* Effect.sleep("1 millis")
  }
})

const request = (line: string, ...headers: ReadonlyArray<string>) =>
  [line, "Host: localhost", ...headers, "", ""].join("\r\n")

const EVENTS = request("GET /api/v1/rates/stream HTTP/1.1")
const WATCH = JSON.stringify({ _tag: "Request", id: "1", tag: "WatchRates", payload: {}, headers: [] })
const call = (body: string) =>
  request("POST /rpc/http HTTP/1.1", `Content-Length: ${body.length + 1}`) + `${body}\n`

/** Requests of clients that open a stream and do not read it. */
const stalledClients: Readonly<Record<string, string | Uint8Array>> = {
  "a WebSocket": RawSocket.handshake("/ws/rates/"),
  "a WebSocket that requests snapshots endlessly": Buffer.concat([
    Buffer.from(RawSocket.handshake("/ws/rates/")),
    ...Array.from({ length: 20_000 }, () => RawSocket.frame(RawSocket.TEXT, '{"type":"get_all_rates"}'))
  ]),
  "a WebSocket that pings endlessly": Buffer.concat([
    Buffer.from(RawSocket.handshake("/ws/rates/")),
    ...Array.from({ length: 100_000 }, () => RawSocket.frame(RawSocket.PING, "x".repeat(125)))
  ]),
  "an RPC that acknowledges unread events": Buffer.concat([
    Buffer.from(RawSocket.handshake("/rpc")),
    RawSocket.frame(RawSocket.TEXT, WATCH),
    ...Array.from({ length: 20_000 }, () => RawSocket.frame(RawSocket.TEXT, '{"_tag":"Ack","requestId":"1"}'))
  ]),
  "an RPC that calls endlessly": Buffer.concat([
    Buffer.from(RawSocket.handshake("/rpc")),
    ...Array.from({ length: 20_000 }, (_, i) =>
      RawSocket.frame(
        RawSocket.TEXT,
        `{"_tag":"Request","id":"${i}","tag":"ListRates","payload":{},"headers":[]}`
      )
    )
  ]),
  "an event stream": EVENTS,
  "an event stream after a call": call('{"_tag":"Ping"}') + EVENTS,
  "two event streams": EVENTS + EVENTS,
  "a stream over RPC": call(WATCH)
}

/** Measures the maximum memory use until the scope closes, relative to the start. */
const watchMemory = Effect.gen(function* () {
  const usedBytes = () => {
    const { external, heapUsed } = process.memoryUsage()
    return external + heapUsed
  }
  const before = usedBytes()
  const memory = { maxBytes: 0 }
  yield* Effect.acquireRelease(
    Effect.sync(() =>
      setInterval(() => {
        memory.maxBytes = Math.max(memory.maxBytes, usedBytes() - before)
      }, 20)
    ),
    (timer) => Effect.sync(() => clearInterval(timer))
  )
  return memory
})

const openStreams = Effect.map(get("/metrics"), ({ text }) =>
  Array.from(text.matchAll(/^effex_stream_connections\{\S+ (\d+)$/gm), ([, count]) => Number(count)).reduce(
    (sum, count) => sum + count,
    0
  )
)

/** Follows one pair, and keeps its last rate. */
const follow = Effect.fnUntraced(function* (url: string) {
  const { send, webSocket } = yield* open(`${url}/ws/rates/`)
  const state = { rate: "" }
  yield* send({ type: "subscribe", pairs: ["USD:XOF"] })
  webSocket.on("message", (data: Buffer) => {
    state.rate = /"rate_update".*"rate":"([^"]+)"/.exec(data.toString())?.[1] ?? state.rate
  })
  return state
})

const shortTimeouts = Layer.succeed(StreamTimeouts, {
  stallSeconds: 3,
  pingInterval: "3 seconds",
  authentication: "3 seconds"
})

layer(TestServer.layer().pipe(Layer.provide(shortTimeouts)), { excludeTestServices: true })(
  "A client that does not read",
  (it) => {
    it.effect(
      "is disconnected, with bounded memory, while other clients receive everything",
      () =>
        Effect.gen(function* () {
          const { log, port, url } = yield* TestServer
          const memory = yield* watchMemory
          const followers = yield* Effect.forEach(Array.from({ length: HEALTHY }), () => follow(url))
          for (const bytes of Object.values(stalledClients)) {
            const { socket } = yield* RawSocket.connect(port, bytes)
            socket.pause()
          }
          yield* flood(ROUNDS)
          yield* eventually(
            "last rate at all followers",
            () => followers.every(({ rate }) => rate === String((1_000_000 + ROUNDS) / 1000)) || undefined,
            FLOOD_TIMEOUT_MILLIS
          )
          yield* eventuallyFrom(
            "end of the stalled streams",
            Effect.map(openStreams, (count) => (count <= HEALTHY ? count : undefined)),
            FLOOD_TIMEOUT_MILLIS
          )
          assert.strictEqual(yield* openStreams, HEALTHY)
          assert.isBelow(memory.maxBytes, MAX_MEMORY_BYTES)
          assert.deepStrictEqual(
            log.filter((line) => line.includes("Unexpected failure")),
            []
          )
          yield* flood(ROUNDS + 1)
          yield* eventually(
            "later rate at all followers",
            () => followers.every(({ rate }) => rate === String((1_000_001 + ROUNDS) / 1000)) || undefined,
            FLOOD_TIMEOUT_MILLIS
          )
        }),
      600_000
    )
  }
)
