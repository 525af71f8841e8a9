import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { connect, type Socket } from "node:net"
import { ConnectionBounds } from "../../../src/server/node/ConnectionLimits.ts"
import { get, TestServer } from "../../support/TestServer.ts"
import { exhaust } from "../../support/RateLimitExhaustion.ts"
import * as RawHttp from "../../support/RawHttp.ts"
import * as RawSocket from "../../support/RawSocket.ts"
import { eventually } from "../../support/Waiters.ts"

const SCRIPT_PATH = "/docs/scalar.js"
const SCRIPT = `GET ${SCRIPT_PATH} HTTP/1.1\r\nhost: localhost\r\n\r\n`

/** A client that reads nothing until `read`. */
const openClient = (bytes: string) =>
  Effect.flatMap(TestServer, ({ port }) =>
    Effect.acquireRelease(
      Effect.sync(() => {
        const socket = connect(port, "127.0.0.1")
        socket.on("error", () => {})
        socket.pause()
        if (bytes !== "") socket.write(bytes)
        return socket
      }),
      (socket) => Effect.sync(() => socket.destroy())
    )
  )

const isClosed = (socket: Socket) =>
  Effect.callback<true>((resume) => {
    if (socket.closed) return resume(Effect.succeed(true))
    socket.resume().once("close", () => resume(Effect.succeed(true)))
  })

const disconnects = (reason: string) =>
  Effect.map(get("/metrics"), ({ text }) =>
    Number(new RegExp(`^effex_http_disconnects_total\\{reason="${reason}"\\} (\\d+)`, "m").exec(text)?.[1])
  )

const awaitDisconnects = (reason: string, expected: number) =>
  Effect.repeat(Effect.delay(disconnects(reason), "20 millis"), { until: (count) => count >= expected })

const withBounds = (
  bounds: Partial<(typeof ConnectionBounds)["Service"]>,
  env: Readonly<Record<string, string>> = {}
) =>
  TestServer.layer(env).pipe(
    Layer.provideMerge(
      Layer.succeed(ConnectionBounds, {
        maxConnections: 1000,
        maxRequestConnections: 1000,
        stallMillis: 60_000,
        maxUnsentBytesPerAddress: 1e9,
        maxUnsentBytes: 1e9,
        ...bounds
      })
    )
  )

const live = { excludeTestServices: true }

layer(withBounds({ stallMillis: 300 }), live)("A client that does not read its response", (it) => {
  it.effect("is disconnected, and one without a request too", () =>
    Effect.gen(function* () {
      yield* get(SCRIPT_PATH)
      const reader = yield* openClient(SCRIPT.repeat(3))
      const idle = yield* openClient("")
      assert.strictEqual(yield* awaitDisconnects("stalled", 1), 1)
      assert.isTrue(yield* isClosed(reader))
      assert.isTrue(yield* isClosed(idle))
    }).pipe(Effect.scoped)
  )

  it.effect("keeps its connection if it is a silent stream", () =>
    Effect.gen(function* () {
      const streams = yield* Effect.forEach(
        [
          "GET /api/v1/rates/stream HTTP/1.1\r\nhost: localhost\r\n\r\n",
          RawSocket.handshake("/ws/rates/"),
          RawSocket.handshake("/rpc")
        ],
        openClient
      )
      for (const stream of streams) stream.resume()
      const before = yield* disconnects("stalled")
      yield* openClient(SCRIPT.repeat(3))
      yield* awaitDisconnects("stalled", before + 1)
      assert.isTrue(streams.every(({ closed }) => !closed))
    }).pipe(Effect.scoped)
  )
})

layer(withBounds({ maxUnsentBytesPerAddress: 300_000 }), live)("Unsent bytes of an address", (it) => {
  it.effect("are bounded by disconnecting the connections with the most", () =>
    Effect.gen(function* () {
      yield* get(SCRIPT_PATH)
      const clients = yield* Effect.forEach(Array.from({ length: 6 }), () => openClient(SCRIPT.repeat(2)))
      yield* awaitDisconnects("unsent", 2)
      const light = yield* get("/health/live")
      assert.strictEqual(light.status, 200)
      yield* Effect.forEach(clients, (client) => Effect.sync(() => client.destroy()))
    }).pipe(Effect.scoped)
  )
})

layer(withBounds({ maxRequestConnections: 3 }, { STREAMS_PER_ADDRESS: "1" }), live)(
  "Connections of an address",
  (it) => {
    it.effect("are limited to the streams and a number of others", () =>
      Effect.gen(function* () {
        const clients = yield* Effect.forEach(Array.from({ length: 20 }), () => openClient(""))
        const closed = yield* eventually("closed connections", () => {
          for (const client of clients) client.resume()
          const count = clients.filter((client) => client.closed).length
          return count >= 16 ? count : undefined
        })
        assert.isAtMost(closed, 17)
      }).pipe(Effect.scoped)
    )
  }
)

layer(
  withBounds({ maxRequestConnections: 3 }, { STREAMS_PER_ADDRESS: "1", TRUSTED_PROXIES: "127.0.0.1" }),
  live
)("Connections of a trusted proxy", (it) => {
  it.effect("are not limited per address", () =>
    Effect.gen(function* () {
      const clients = yield* Effect.forEach(Array.from({ length: 20 }), () => openClient(""))
      assert.strictEqual((yield* get("/health/live")).status, 200)
      assert.isTrue(clients.every(({ closed }) => !closed))
    }).pipe(Effect.scoped)
  )
})

const REJECTED_BY_NODE = [
  "NONSENSE\r\n\r\n",
  "GET / HTTP/9.9\r\nhost: localhost\r\n\r\n",
  `GET / HTTP/1.1\r\nhost: localhost\r\nx-long: ${"a".repeat(20_000)}\r\n\r\n`,
  "CONNECT example.com:443 HTTP/1.1\r\nhost: example.com:443\r\n\r\n"
]

layer(TestServer.layer({ RATE_LIMIT_READS: "100/hour" }), live)("A request that Node rejects", (it) => {
  it.effect("counts against the limit of its address, beyond which it gets no response", () =>
    Effect.gen(function* () {
      const { port } = yield* TestServer
      for (const bytes of REJECTED_BY_NODE) {
        const { responses } = yield* RawHttp.exchange(port, bytes, { untilClosed: true })
        assert.lengthOf(responses, 1)
      }
      yield* exhaust("pages", "127.0.0.1")
      for (const bytes of REJECTED_BY_NODE) {
        const { responses } = yield* RawHttp.exchange(port, bytes, { untilClosed: true })
        assert.lengthOf(responses, 0)
      }
      assert.strictEqual((yield* get("/api/v1/currencies")).status, 200)
    })
  )
})

layer(TestServer.layer({ RATE_LIMIT_READS: "100/hour", TRUSTED_PROXIES: "127.0.0.1" }), live)(
  "A request of a trusted proxy that Node rejects",
  (it) => {
    it.effect("is not counted, because its client is unknown", () =>
      Effect.gen(function* () {
        const { port } = yield* TestServer
        yield* exhaust("pages", "127.0.0.1")
        for (const bytes of REJECTED_BY_NODE)
          assert.lengthOf((yield* RawHttp.exchange(port, bytes, { untilClosed: true })).responses, 1)
      })
    )
  }
)
