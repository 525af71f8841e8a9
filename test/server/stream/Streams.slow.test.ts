import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { Settings } from "../../../src/config/Settings.ts"
import { Broadcaster } from "../../../src/rates/feed/Broadcaster.ts"
import { rate } from "../../support/SampleRates.ts"
import * as RawSocket from "../../support/RawSocket.ts"
import { eventually, open } from "../../support/SocketClient.ts"
import { get, TestServer } from "../../support/TestServer.ts"

const HEALTHY = 20
const ROUNDS = 500
/** Two heartbeats, and what a busy machine takes. */
const CUT_MILLIS = 40_000
const MAX_MEMORY_BYTES = 256 * 1024 * 1024

/** Changes every rate, again and again, more than the buffers of a system hold. */
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

/** Clients that ask for a stream and then take nothing of it. */
const silent: Readonly<Record<string, string | Uint8Array>> = {
  "a WebSocket": RawSocket.handshake("/ws/rates/"),
  "a WebSocket that asks without end": Buffer.concat([
    Buffer.from(RawSocket.handshake("/ws/rates/")),
    ...Array.from({ length: 20_000 }, () => RawSocket.frame(RawSocket.TEXT, '{"type":"get_all_rates"}'))
  ]),
  "a WebSocket that pings without end": Buffer.concat([
    Buffer.from(RawSocket.handshake("/ws/rates/")),
    ...Array.from({ length: 100_000 }, () => RawSocket.frame(RawSocket.PING, "x".repeat(125)))
  ]),
  "an RPC that acknowledges what it does not read": Buffer.concat([
    Buffer.from(RawSocket.handshake("/rpc")),
    RawSocket.frame(RawSocket.TEXT, WATCH),
    ...Array.from({ length: 20_000 }, () => RawSocket.frame(RawSocket.TEXT, '{"_tag":"Ack","requestId":"1"}'))
  ]),
  "an RPC that calls without end": Buffer.concat([
    Buffer.from(RawSocket.handshake("/rpc")),
    ...Array.from({ length: 20_000 }, (_, i) =>
      RawSocket.frame(
        RawSocket.TEXT,
        `{"_tag":"Request","id":"${i}","tag":"ListRates","payload":{},"headers":[]}`
      )
    )
  ]),
  "a stream of events": EVENTS,
  "a stream of events behind a call": call('{"_tag":"Ping"}') + EVENTS,
  "two streams of events": EVENTS + EVENTS,
  "a stream over RPC": call(WATCH)
}

/** The most memory that is held while the scope is open, beyond what was held before. */
const watchMemory = Effect.gen(function* () {
  const held = () => {
    const { external, heapUsed } = process.memoryUsage()
    return external + heapUsed
  }
  const before = held()
  const watched = { most: 0 }
  yield* Effect.acquireRelease(
    Effect.sync(() =>
      setInterval(() => {
        watched.most = Math.max(watched.most, held() - before)
      }, 20)
    ),
    (timer) => Effect.sync(() => clearInterval(timer))
  )
  return watched
})

const openStreams = Effect.map(get("/metrics"), ({ text }) =>
  Array.from(text.matchAll(/^effex_stream_connections\{\S+ (\d+)$/gm), ([, count]) => Number(count)).reduce(
    (all, count) => all + count,
    0
  )
)

/** A reader who follows the first pair, and knows how far it was told. */
const follow = Effect.fnUntraced(function* (url: string) {
  const { send, webSocket } = yield* open(`${url}/ws/rates/`)
  const reading = { rate: "" }
  yield* send({ type: "subscribe", pairs: ["USD:XOF"] })
  webSocket.on("message", (data: Buffer) => {
    reading.rate = /"rate_update".*"rate":"([^"]+)"/.exec(data.toString())?.[1] ?? reading.rate
  })
  return reading
})

layer(TestServer.layer(), { excludeTestServices: true })("A reader that takes nothing", (it) => {
  it.effect(
    "is cut, and its memory is bounded, while others are told of everything",
    () =>
      Effect.gen(function* () {
        const { log, port, url } = yield* TestServer
        const memory = yield* watchMemory
        const readings = yield* Effect.forEach(Array.from({ length: HEALTHY }), () => follow(url))
        for (const bytes of Object.values(silent)) {
          const { socket } = yield* RawSocket.connect(port, bytes)
          socket.pause()
        }
        const startedAt = performance.now()
        yield* flood(ROUNDS)
        yield* eventually(
          "all of it, for those who read",
          () => readings.every((reading) => reading.rate === String((1_000_000 + ROUNDS) / 1000)) || undefined
        )
        while ((yield* openStreams) > HEALTHY) {
          const waited = performance.now() - startedAt
          assert.isBelow(
            waited,
            CUT_MILLIS,
            (yield* get("/metrics")).text.match(/^effex_stream_.*$/gm)?.join()
          )
          yield* Effect.sleep("200 millis")
        }
        assert.strictEqual(yield* openStreams, HEALTHY)
        assert.isBelow(memory.most, MAX_MEMORY_BYTES)
        assert.deepStrictEqual(
          log.filter((line) => line.includes("Unexpected failure")),
          []
        )
        yield* flood(ROUNDS + 1)
        yield* eventually(
          "what comes after",
          () => readings.every((reading) => reading.rate === String((1_000_001 + ROUNDS) / 1000)) || undefined
        )
      }),
    60_000
  )
})
