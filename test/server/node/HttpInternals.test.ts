import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, type Scope } from "effect"
import { type IncomingMessage, request, type Server, type ServerResponse } from "node:http"
import type { Socket } from "node:net"
import * as HttpInternals from "../../../src/server/node/HttpInternals.ts"
import * as RawHttp from "../../support/RawHttp.ts"
import { eventually } from "../../support/Waiters.ts"

/** Starts a server with a handler. Returns its port. */
const listen = (
  server: Server,
  handler: (request: IncomingMessage, response: ServerResponse) => void = (_, response) => {
    response.end("ok")
  }
): Effect.Effect<number, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<number>((resume) => {
      server.on("request", handler).listen(0, "127.0.0.1", () => {
        const address = server.address()
        resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 0))
      })
    }),
    () => Effect.sync(() => server.closeAllConnections())
  )

const makeServer = () => new HttpInternals.InterceptingServer()

const get = (path = "/", headers = "") => `GET ${path} HTTP/1.1\r\nhost: localhost\r\n${headers}\r\n`

/** Each test fails when a Node version changes what `HttpInternals` relies on. */
describe("HttpInternals", () => {
  it.live("finds the response in flight on a connection, and none between requests", () =>
    Effect.gen(function* () {
      const found: Array<boolean> = []
      const port = yield* listen(makeServer(), (incoming, response) => {
        const socket: Socket & HttpInternals.HttpSocket = incoming.socket
        found.push(HttpInternals.responseInFlight(socket) === response)
        response.on("finish", () =>
          setImmediate(() => found.push(HttpInternals.responseInFlight(socket) === undefined))
        )
        response.end("ok")
      })
      yield* RawHttp.exchange(port, get("/", "connection: close\r\n"), { untilClosed: true })
      yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      assert.deepStrictEqual(found, [true, true])
    }).pipe(Effect.scoped)
  )

  it.live("sends a serialized head byte for byte, and keeps the connection usable", () =>
    Effect.gen(function* () {
      const statuses: Array<number> = []
      const port = yield* listen(makeServer(), (_, response) => {
        const head = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nx-order: b, a\r\nconnection: keep-alive\r\n"
        HttpInternals.sendWithHead(response, head, "hello", "latin1")
        statuses.push(response.statusCode)
        assert.isTrue(response.headersSent)
      })
      const { responses, rest } = yield* RawHttp.exchange(port, get() + get(), { responses: 2 })
      assert.strictEqual(rest, "")
      assert.deepStrictEqual(statuses, [200, 200])
      for (const { body, headers, status } of responses) {
        assert.strictEqual(status, 200)
        assert.strictEqual(body, "hello")
        assert.deepStrictEqual(
          [...headers],
          [
            ["content-length", "5"],
            ["x-order", "b, a"],
            ["connection", "keep-alive"]
          ]
        )
      }
    }).pipe(Effect.scoped)
  )

  it.live("tells a head that was written from one that was only serialized", () =>
    Effect.gen(function* () {
      const written: Array<boolean> = []
      const port = yield* listen(makeServer(), (_, response) => {
        response.writeHead(200, { "content-length": 2 })
        assert.isTrue(response.headersSent)
        written.push(HttpInternals.isHeadWritten(response))
        response.write("o")
        written.push(HttpInternals.isHeadWritten(response))
        response.end("k")
      })
      yield* RawHttp.exchange(port, get())
      assert.deepStrictEqual(written, [false, true])
    }).pipe(Effect.scoped)
  )

  it.live("determines before the response whether the connection is kept alive", () =>
    Effect.gen(function* () {
      const kept: Array<boolean> = []
      const port = yield* listen(makeServer(), (_, response) => {
        kept.push(HttpInternals.isKeptAlive(response))
        response.end("ok")
      })
      for (const bytes of [
        get(),
        get("/", "connection: close\r\n"),
        "GET / HTTP/1.0\r\n\r\n",
        "GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n"
      ])
        yield* RawHttp.exchange(port, bytes)
      assert.deepStrictEqual(kept, [true, false, false, true])
    }).pipe(Effect.scoped)
  )

  it.live("closes the connection after the response, and announces it", () =>
    Effect.gen(function* () {
      const server = makeServer()
      // Idle connections stay open, so that only `closeAfter` can close this one.
      server.keepAliveTimeout = 0
      const port = yield* listen(server, (_, response) => {
        HttpInternals.closeAfter(response)
        response.end("ok")
      })
      const { isClosed, responses } = yield* RawHttp.exchange(port, get(), { untilClosed: true })
      assert.strictEqual(responses[0]?.headers.get("connection"), "close")
      assert.isTrue(isClosed)
    }).pipe(Effect.scoped)
  )

  it.live(
    "keeps idle connections open when the server closes, so that a request in flight gets a response",
    () =>
      Effect.gen(function* () {
        const server = makeServer()
        HttpInternals.keepIdleConnectionsOnClose(server)
        const port = yield* listen(server)
        const status = yield* Effect.callback<number | void>((resume) => {
          server.once("connection", () => {
            server.close()
            // The request is sent after `close` would have closed the idle connection.
            setTimeout(() => client.end(), 50)
          })
          const client = request({ port, host: "127.0.0.1", method: "POST", agent: false }, (response) => {
            response.resume()
            resume(Effect.succeed(response.statusCode))
          })
          client.on("error", () => resume(Effect.void))
          client.on("socket", (socket) => socket.on("connect", () => undefined))
        })
        assert.strictEqual(status, 200)
      }).pipe(Effect.scoped)
  )

  it.live("offers requests to interceptors first, and passes unhandled ones to listeners", () =>
    Effect.gen(function* () {
      const server = makeServer()
      const seen: Array<string | undefined> = []
      server.onRequest = (incoming) => seen.push(incoming.url)
      server.interceptors = [
        (incoming, response) => {
          if (incoming.url !== "/fast") return false
          response.end("fast")
          return true
        }
      ]
      const port = yield* listen(server, (_, response) => response.end("slow"))
      const { responses } = yield* RawHttp.exchange(port, get("/fast") + get("/slow"), { responses: 2 })
      assert.deepStrictEqual(
        responses.map(({ body }) => body),
        ["fast", "slow"]
      )
      assert.deepStrictEqual(seen, ["/fast", "/slow"])
    }).pipe(Effect.scoped)
  )

  it.live("answers requests that arrive before the first listener, up to a maximum", () =>
    Effect.gen(function* () {
      const server = makeServer()
      const rejected: Array<string | undefined> = []
      let arrived = 0
      server.onRequest = () => arrived++
      server.rejectEarly = (incoming) => {
        rejected.push(incoming.url)
        incoming.socket.end("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n")
      }
      const port = yield* Effect.acquireRelease(
        Effect.callback<number>((resume) => {
          server.listen(0, "127.0.0.1", () => {
            const address = server.address()
            resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 0))
          })
        }),
        () => Effect.sync(() => server.closeAllConnections())
      )
      const early = yield* Effect.forkChild(
        RawHttp.exchange(port, get("/early").repeat(HttpInternals.MAX_EARLY_REQUESTS), {
          responses: HttpInternals.MAX_EARLY_REQUESTS
        })
      )
      yield* eventually("all early requests", () => arrived === HttpInternals.MAX_EARLY_REQUESTS || undefined)
      const late = yield* RawHttp.exchange(port, get("/late"), { untilClosed: true })
      assert.deepStrictEqual(rejected, ["/late"])
      assert.strictEqual(late.responses[0]?.status, 503)
      server.on("request", (_, response) => response.end("ok"))
      const { responses } = yield* Fiber.join(early)
      assert.isTrue(responses.every(({ status }) => status === 200))
    }).pipe(Effect.scoped)
  )
})
