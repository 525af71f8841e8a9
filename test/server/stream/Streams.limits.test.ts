import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import * as RawHttp from "../../support/RawHttp.ts"
import * as RawSocket from "../../support/RawSocket.ts"
import { open } from "../../support/SocketClient.ts"
import { eventually, eventuallyFrom } from "../../support/Waiters.ts"
import { assertProblem, get, parseJsonObject, TestServer } from "../../support/TestServer.ts"

const live = { excludeTestServices: true }

/** Number of open streams by transport. */
const connections = Effect.map(get("/metrics"), ({ text }) => {
  const matches = text.matchAll(/^effex_stream_connections\{transport="(\w+)"\} (\d+)$/gm)
  return Object.fromEntries(Array.from(matches, ([, transport, count]) => [transport, Number(count)]))
})

const untilNoneIsOpen = eventuallyFrom(
  "end of the streams",
  Effect.map(connections, (open) => (Object.values(open).every((count) => count === 0) ? true : undefined))
)

/** Opens an SSE stream. */
const openEvents = Effect.fnUntraced(function* () {
  const { url } = yield* TestServer
  const response = yield* Effect.promise(() => fetch(`${url}/api/v1/rates/stream`))
  assert.strictEqual(response.status, 200)
  return { close: Effect.promise(async () => response.body?.cancel()) }
})

layer(TestServer.layer({ STREAMS_PER_ADDRESS: "2" }), live)("STREAMS_PER_ADDRESS", (it) => {
  /** Asserts that no transport accepts another stream. */
  const assertFull = Effect.gen(function* () {
    const { port, url } = yield* TestServer
    const { closed, next } = yield* open(`${url}/ws/rates/`)
    assert.deepInclude(yield* next, { type: "error", code: "rate-limited", retryable: true })
    assert.deepStrictEqual(yield* closed, { code: 1013, reason: "Too many requests" })
    const events = yield* get("/api/v1/rates/stream")
    assert.strictEqual(events.status, 429, events.text)
    assert.strictEqual(events.headers.get("retry-after"), "1")
    assert.deepInclude(events.json, { code: "rate-limited", retryable: true })
    const { status } = yield* RawSocket.connect(port, RawSocket.handshake("/rpc"))
    assert.strictEqual(yield* status, "HTTP/1.1 429 Too Many Requests")
    const call = yield* get("/rpc/http", { method: "POST", body: "" })
    assert.strictEqual(call.status, 429)
  })

  it.effect("limits the open streams of an address across transports", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      for (let round = 0; round < 3; round++) {
        const socket = yield* open(`${url}/ws/rates/`)
        yield* socket.next
        const rpc = yield* open(`${url}/rpc`)
        yield* eventually("connection", () => (rpc.webSocket.readyState === 1 ? true : undefined))
        yield* assertFull
        assert.deepStrictEqual(yield* connections, { ...(yield* connections), websocket: 1, rpc: 1 })
        socket.webSocket.close(1000)
        yield* socket.closed
        rpc.webSocket.close()
        yield* rpc.closed
        yield* untilNoneIsOpen
        const streams = [yield* openEvents(), yield* openEvents()]
        yield* assertFull
        for (const { close } of streams) yield* close
        yield* untilNoneIsOpen
      }
    })
  )

  it.effect("does not count connections that were reset", () =>
    Effect.gen(function* () {
      const { port, url } = yield* TestServer
      for (const path of ["/ws/rates/", "/rpc"]) {
        for (let i = 0; i < 4; i++) {
          const { socket, status } = yield* RawSocket.connect(port, RawSocket.handshake(path))
          assert.strictEqual(yield* status, "HTTP/1.1 101 Switching Protocols", path)
          if (i % 2 === 0) socket.resetAndDestroy()
          else socket.destroy()
          yield* untilNoneIsOpen
        }
      }
      const { next } = yield* open(`${url}/ws/rates/`)
      assert.strictEqual((yield* next)["type"], "all_rates")
    })
  )
})

layer(TestServer.layer(), live)("Streams", (it) => {
  it.effect("accept messages of 64 KiB, and close with 1009 after a larger one", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      const largest = JSON.stringify({ type: "ping", x: "x".repeat(64 * 1024 - 22) })
      assert.strictEqual(largest.length, 64 * 1024)
      for (const path of ["/ws/rates/", "/rpc"]) {
        const { closed, send } = yield* open(url + path)
        yield* send(largest)
        yield* send(`${largest} `)
        assert.deepStrictEqual(yield* closed, { code: 1009, reason: "" })
      }
      yield* untilNoneIsOpen
    })
  )

  it.effect("negotiate no compression, and the first offered protocol", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      const client = yield* open(`${url}/ws/rates/`, { perMessageDeflate: true }, ["effex", "other"])
      assert.strictEqual((yield* client.next)["type"], "all_rates")
      assert.strictEqual(client.webSocket.extensions, "")
      assert.strictEqual(client.webSocket.protocol, "effex")
    })
  )

  it.effect("reject an invalid handshake without a log entry", () =>
    Effect.gen(function* () {
      const { log, port } = yield* TestServer
      const broken: ReadonlyArray<readonly [headers: Readonly<Record<string, string>>, status: RegExp]> = [
        [{ "Sec-WebSocket-Key": "" }, /^HTTP\/1.1 400 /],
        [{ "Sec-WebSocket-Key": "short" }, /^HTTP\/1.1 400 /],
        [{ "Sec-WebSocket-Version": "" }, /^HTTP\/1.1 400 /],
        [{ "Sec-WebSocket-Version": "99" }, /^HTTP\/1.1 (400|426) /],
        [{ "Sec-WebSocket-Protocol": ",,;" }, /^HTTP\/1.1 400 /],
        [
          { "Sec-WebSocket-Extensions": "permessage-deflate; server_max_window_bits=99999" },
          /^HTTP\/1.1 (101|400) /
        ],
        // Not an upgrade, regardless of the other headers.
        [{ Connection: "" }, /^HTTP\/1.1 400 /],
        [{ Connection: "keep-alive" }, /^HTTP\/1.1 400 /],
        [{ Upgrade: "h2c" }, /^HTTP\/1.1 400 /]
      ]
      for (const path of ["/ws/rates/", "/rpc", "http://localhost/ws/rates/"]) {
        for (const [headers, expected] of broken) {
          const { socket, status } = yield* RawSocket.connect(port, RawSocket.handshake(path, headers))
          assert.match(yield* status, expected, `${path} ${JSON.stringify(headers)}`)
          socket.destroy()
        }
      }
      yield* untilNoneIsOpen
      assert.deepStrictEqual(
        log.filter((line) => line.includes("Unexpected failure")),
        []
      )
    })
  )

  it.effect("explain an invalid handshake in a problem", () =>
    Effect.gen(function* () {
      const { port } = yield* TestServer
      const invalid = [
        [{ "Sec-WebSocket-Key": "short" }, "Sec-WebSocket-Key must be 16 bytes in base64"],
        [{ "Sec-WebSocket-Version": "99" }, "Sec-WebSocket-Version must be 13"],
        [{ "Sec-WebSocket-Protocol": "a, a" }, "Sec-WebSocket-Protocol must be a list of distinct names"]
      ] as const
      for (const path of ["/ws/rates/", "/rpc"]) {
        for (const [headers, detail] of invalid) {
          const { responses } = yield* RawHttp.exchange(port, RawSocket.handshake(path, headers))
          const [answer] = responses
          assert.strictEqual(answer?.status, 400, detail)
          assert.strictEqual(answer?.headers.get("content-type"), "application/problem+json")
          assert.strictEqual(answer?.headers.get("sec-websocket-version"), "13")
          assert.strictEqual(parseJsonObject(answer?.body ?? "")["detail"], detail)
        }
      }
    })
  )

  it.effect("close with the standard code after every invalid frame", () =>
    Effect.gen(function* () {
      const { log, port } = yield* TestServer
      const { BINARY, CLOSE, frame, PING, TEXT } = RawSocket
      const broken: Readonly<Record<string, readonly [bytes: Buffer, end: string]>> = {
        "not masked": [frame(TEXT, "{}", { masked: false }), "close 1002"],
        "a reserved bit": [frame(TEXT, "{}", { first: 0xc1 }), "close 1002"],
        "a reserved opcode": [frame(3, "{}"), "close 1002"],
        "a continuation without a start": [frame(0, "{}"), "close 1002"],
        "a fragmented ping": [frame(PING, "", { first: PING }), "close 1002"],
        "a ping of 126 bytes": [frame(PING, "x".repeat(126)), "close 1002"],
        "invalid UTF-8": [frame(TEXT, Buffer.from([0xc3, 0x28])), "close 1007"],
        "two starts": [Buffer.concat([frame(TEXT, "{", { first: TEXT }), frame(TEXT, "}")]), "close 1002"],
        "a length beyond 2^53": [
          Buffer.from([0x81, 0xff, ...Array.from({ length: 8 }, () => 0xff), 0, 0, 0, 0]),
          "close 1009"
        ],
        "200 KB in fragments": [
          Buffer.concat([
            frame(BINARY, "x".repeat(50_000), { first: BINARY }),
            ...Array.from({ length: 3 }, () => frame(0, "x".repeat(50_000), { first: 0 }))
          ]),
          "close 1009"
        ],
        "65 fragments of one byte": [
          Buffer.concat([
            frame(TEXT, " ", { first: TEXT }),
            ...Array.from({ length: 64 }, () => frame(0, " ", { first: 0 }))
          ]),
          "close 1008"
        ],
        "a reserved close code": [frame(CLOSE, Buffer.from([0x03, 0xed])), "close 1002"],
        "a close of one byte": [frame(CLOSE, "x"), "close 1002"],
        "a reason in invalid UTF-8": [frame(CLOSE, Buffer.from([0x03, 0xe8, 0xc3, 0x28])), "close 1007"]
      }
      for (const path of ["/ws/rates/", "/rpc"]) {
        for (const [name, [bytes, end]] of Object.entries(broken)) {
          const { next, status } = yield* RawSocket.connect(port, RawSocket.handshake(path), bytes)
          assert.match(yield* status, /101/)
          let last = yield* next
          while (!last.startsWith("close")) last = yield* next
          assert.strictEqual(last, end, `${name} at ${path}`)
        }
      }
      yield* untilNoneIsOpen
      assert.deepStrictEqual(
        log.filter((line) => line.includes("Unexpected failure")),
        []
      )
    })
  )

  it.effect("accept many messages in one packet with the handshake", () =>
    Effect.gen(function* () {
      const { port } = yield* TestServer
      const pings = Buffer.concat(
        Array.from({ length: 500 }, () => RawSocket.frame(RawSocket.TEXT, '{"type":"ping"}'))
      )
      const bytes = Buffer.concat([Buffer.from(RawSocket.handshake("/ws/rates")), pings])
      const { next, status } = yield* RawSocket.connect(port, bytes)
      assert.match(yield* status, /101/)
      let pongs = 0
      while (pongs < 500) if ((yield* next) === '{"type":"pong"}') pongs++
      assertProblem(yield* get("/ws/rates/x"), 404, "not-found")
    })
  )

  it.effect("are released when a streaming connection is upgraded too", () =>
    Effect.gen(function* () {
      const { log, port } = yield* TestServer
      const stream = "GET /api/v1/rates/stream HTTP/1.1\r\nHost: localhost\r\n\r\n"
      for (const path of ["/ws/rates/", "/rpc"]) {
        const { socket, status } = yield* RawSocket.connect(port, stream + RawSocket.handshake(path))
        assert.match(yield* status, /HTTP/)
        yield* Effect.sleep("50 millis")
        socket.destroy()
        yield* untilNoneIsOpen
      }
      assert.deepStrictEqual(
        log.filter((line) => line.includes("Unexpected failure")),
        []
      )
    })
  )
})
