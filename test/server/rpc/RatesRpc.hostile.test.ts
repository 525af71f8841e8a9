import { assert, layer } from "@effect/vitest"
import { Effect, Fiber, identity, Stream } from "effect"
import * as Problem from "../../../src/api/Problem.ts"
import * as RawSocket from "../../support/RawSocket.ts"
import * as RpcClients from "../../support/RpcClients.ts"
import { open } from "../../support/SocketClient.ts"
import { assertProblem, get, SECRETS, TestServer } from "../../support/TestServer.ts"
import { eventuallyFrom } from "../../support/Waiters.ts"

const request = (tag: unknown, payload: unknown, more: object = {}) => ({
  _tag: "Request",
  id: "1",
  tag,
  payload,
  headers: [],
  ...more
})

/** Nested lists. */
function nested(levels: number) {
  return "[".repeat(levels) + "]".repeat(levels)
}

/** Messages that no procedure accepts. */
const messages: Readonly<Record<string, unknown>> = {
  "an empty text": "",
  "invalid JSON": "{",
  null: "null",
  "null in a list": "[null]",
  "a number": "17",
  "an empty list": "[]",
  "deep lists": "[".repeat(30_000),
  "a deep payload": JSON.stringify(request("GetRate", "?")).replace('"?"', nested(20_000)),
  "a deep code": JSON.stringify(request("GetRate", { from: "?", to: "NGN" })).replace('"?"', nested(20_000)),
  "deep pairs": JSON.stringify(request("WatchRates", { pairs: ["?"] })).replace('"?"', nested(20_000)),
  "deep headers": JSON.stringify({ ...request("ListRates", {}), headers: "?" }).replace(
    '"?"',
    nested(20_000)
  ),
  "an empty object": {},
  "invalid UTF-8": Buffer.from([0xff, 0xfe, 0x00]),
  "no tag": { id: "1" },
  "an unknown message": { _tag: "Shout" },
  "a tag like a method": { _tag: "toString" },
  "an unknown call": request("Shout", {}),
  "a call like a method": request("constructor", {}),
  "a call with an object as tag": request({}, {}),
  "no payload": request("GetRate", undefined),
  "a payload of another type": request("GetRate", "USD:NGN"),
  "a payload with fields of other types": request("GetRate", { from: 1, to: null }),
  "a payload with __proto__":
    '{"_tag":"Request","id":"1","tag":"GetRate","payload":{"__proto__":{"from":"USD"}},"headers":[]}',
  "a negative age": request("GetRate", { from: "USD", to: "NGN", maxAge: -1 }),
  "an age beyond all times": request("GetRate", { from: "USD", to: "NGN", maxAge: 1e308 }),
  "an invalid position": request("WatchRates", { since: "yesterday" }),
  "1 001 pairs": request("WatchRates", { pairs: Array.from({ length: 1001 }, () => "USD:NGN") }),
  "no id": request("GetRate", { from: "USD", to: "NGN" }, { id: undefined }),
  "an id of another type": request("GetRate", { from: "USD", to: "NGN" }, { id: {} }),
  "no headers": request("GetRate", { from: "USD", to: "NGN" }, { headers: undefined }),
  "headers of another type": request("GetRate", { from: "USD", to: "NGN" }, { headers: 5 }),
  "headers of null": request("GetRate", { from: "USD", to: "NGN" }, { headers: [null] }),
  "an invalid trace": request(
    "GetRate",
    { from: "USD", to: "NGN" },
    { traceId: { a: 1 }, spanId: [], sampled: "no" }
  ),
  "a notification": request("GetRate", { from: "USD", to: "NGN" }, { isNotification: true }),
  "a call with a discarded response": request("WatchRates", {}, { discard: true }),
  "an acknowledgement of an unknown call": { _tag: "Ack", requestId: "17" },
  "an acknowledgement without a call": { _tag: "Ack" },
  "an interruption of an unknown call": { _tag: "Interrupt", requestId: "17" },
  "an interruption without a call": { _tag: "Interrupt" },
  "an interruption of an object": { _tag: "Interrupt", requestId: {} },
  "the same call twice": [request("WatchPolls", {}), request("WatchPolls", {})],
  "a call after the end": [{ _tag: "Eof" }, request("ListRates", {})],
  "an end without a call": { _tag: "Eof" },
  "a response": { _tag: "Exit", requestId: "1", exit: { _tag: "Success", value: 1 } }
}

const textOf = (message: unknown) =>
  typeof message === "string" || message instanceof Uint8Array ? message : JSON.stringify(message)

layer(TestServer.layer(), { excludeTestServices: true })("Hostile RPC messages", (it) => {
  /** Asserts that the server still serves other clients, and has logged no failure. */
  const assertHealthy = Effect.gen(function* () {
    const { log } = yield* TestServer
    const client = yield* RpcClients.overWebSocket
    assert.strictEqual((yield* client.GetRate({ from: "USD", to: "NGN" })).to, "NGN")
    const failures = log.filter((line) => /Unexpected failure|"level":"(ERROR|FATAL)"/.test(line))
    assert.deepStrictEqual(failures, [])
  }).pipe(Effect.scoped)

  it.effect("affect only their connection on /rpc", () =>
    Effect.gen(function* () {
      const { log, url } = yield* TestServer
      for (const [name, message] of Object.entries(messages)) {
        const before = log.length
        const client = yield* open(`${url}/rpc`)
        yield* client.send(textOf(message))
        yield* client.send('{"_tag":"Ping"}')
        // Either the ping is answered, or the previous message has closed the connection.
        yield* Effect.raceFirst(
          client.closed,
          Effect.repeat(client.next, { until: ({ _tag }) => _tag === "Pong" })
        )
        client.webSocket.terminate()
        const logged = log.slice(before).filter((line) => line.includes("Unexpected failure"))
        assert.deepStrictEqual(logged, [], name)
      }
      yield* assertHealthy
    })
  )

  it.effect("affect only their request on /rpc/http", () =>
    Effect.gen(function* () {
      const streams = new Set(["the same call twice", "a call with a discarded response"])
      for (const [name, message] of Object.entries(messages)) {
        const answer = yield* get("/rpc/http", {
          method: "POST",
          body: Buffer.concat([Buffer.from(textOf(message)), Buffer.from("\n")]),
          // A requested stream continues until its client disconnects.
          signal: streams.has(name) ? AbortSignal.timeout(500) : null
        }).pipe(streams.has(name) ? Effect.catchDefect(() => Effect.undefined) : identity)
        if (answer !== undefined) {
          assert.isBelow(answer.status, 500, `${name}: ${answer.text}`)
          assert.notMatch(answer.text, /node_modules|file:\/\/|\/src\//, name)
        }
      }
      yield* assertHealthy
    })
  )

  it.effect("get an error that does not reveal the parser", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      const client = yield* open(`${url}/rpc`)
      yield* client.send("{")
      assert.deepStrictEqual(yield* client.next, {
        _tag: "Defect",
        defect: { name: "Error", message: "The message is not valid JSON" }
      })
      const answer = yield* get("/rpc/http", { method: "POST", body: "{\n" })
      assert.notInclude(answer.text, "SyntaxError")
    })
  )

  it.effect("are required in a body of /rpc/http, whose last line needs no newline", () =>
    Effect.gen(function* () {
      for (const body of ["", " \n\n"]) {
        const answer = yield* get("/rpc/http", { method: "POST", body })
        assert.match(String(assertProblem(answer, 400, "invalid-request")["detail"]), /^The body is empty/)
      }
      const body = JSON.stringify(request("GetRate", { from: "USD", to: "XXX" }))
      const answer = yield* get("/rpc/http", { method: "POST", body })
      assert.strictEqual(answer.status, 200)
      assert.include(answer.text, `"code":"unsupported-currency"`)
    })
  )

  it.effect("are all answered if 3 000 arrive at once", () =>
    Effect.gen(function* () {
      const { port } = yield* TestServer
      const frames = Array.from({ length: 3_000 }, (_, i) =>
        RawSocket.frame(
          RawSocket.TEXT,
          JSON.stringify(request("GetRate", { from: "XXX", to: "NGN" }, { id: String(i) }))
        )
      )
      const { next, status } = yield* RawSocket.connect(
        port,
        RawSocket.handshake("/rpc"),
        Buffer.concat(frames)
      )
      assert.match(yield* status, /101/)
      for (let answers = 0; answers < 3_000;) {
        const text = yield* next
        // On a slow machine there is a ping in between.
        if (text === "") continue
        assert.include(text, "unsupported-currency")
        answers++
      }
      yield* assertHealthy
    })
  )

  it.effect("are all answered if one body contains 600 calls", () =>
    Effect.gen(function* () {
      const calls = Array.from({ length: 600 }, (_, i) =>
        JSON.stringify(request("GetRate", { from: "XXX", to: "NGN" }, { id: String(i) }))
      )
      const answer = yield* get("/rpc/http", { method: "POST", body: calls.join("\n") })
      assert.strictEqual(answer.status, 200)
      assert.strictEqual(answer.text.match(/"unsupported-currency"/g)?.length, 600)
    })
  )

  it.effect("open at most 100 streams on a connection", () =>
    Effect.gen(function* () {
      const client = yield* RpcClients.overWebSocket
      const watching = yield* Effect.forEach(Array.from({ length: 100 }), () =>
        Effect.forkChild(Stream.runDrain(client.WatchPolls()), { startImmediately: true })
      )
      yield* client.GetRate({ from: "USD", to: "NGN" })
      const rejected = yield* Effect.flip(Stream.runDrain(client.WatchRates({})))
      assert.instanceOf(rejected, Problem.RateLimited)
      const [first] = watching
      if (first !== undefined) yield* Fiber.interrupt(first)
      const [event] = yield* client.WatchRates({}).pipe(Stream.take(1), Stream.runCollect)
      assert.strictEqual(event?._tag, "Snapshot")
      yield* Fiber.interruptAll(watching)
    })
  )

  it.effect("leave no stream behind when the client disconnects", () =>
    Effect.gen(function* () {
      const { port } = yield* TestServer
      const watch = `${JSON.stringify(request("WatchRates", {}))}\n`
      const call = `POST /rpc/http HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${watch.length}\r\n\r\n${watch}`
      for (let i = 0; i < 5; i++) {
        const { socket, status } = yield* RawSocket.connect(port, call)
        assert.strictEqual(yield* status, "HTTP/1.1 200 OK")
        socket.destroy()
      }
      yield* eventuallyFrom(
        "end of the calls",
        Effect.map(get("/metrics"), ({ text }) =>
          text.includes('effex_stream_connections{transport="rpc"} 0\n') ? true : undefined
        )
      )
      yield* assertHealthy
    })
  )

  it.effect("do not reveal an unexpected failure by an invalid trace", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      const client = yield* open(`${server.url}/rpc`)
      yield* server.setDatabase("broken")
      yield* client.send(
        request(
          "GetRate",
          { from: "EUR", to: "KES" },
          { traceId: "x".repeat(5000), spanId: "y", sampled: true }
        )
      )
      const answer = JSON.stringify(yield* client.next)
      yield* server.setDatabase("up")
      assert.include(answer, '"internal"')
      assert.notInclude(answer, SECRETS.slice(0, 20))
      assert.match(answer, /"trace_id":"[0-9a-f]{32}"/)
    })
  )
})
