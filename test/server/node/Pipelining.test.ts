import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import type { ServerResponse } from "node:http"
import { connect } from "node:net"
import { NodeServer } from "../../../src/server/node/NodeServer.ts"
import * as Pipelining from "../../../src/server/node/Pipelining.ts"
import * as RawHttp from "../../support/RawHttp.ts"
import { eventually } from "../../support/Waiters.ts"

const PADDING = "x".repeat(1000)
const request = (path: string) => `GET ${path} HTTP/1.1\r\nhost: localhost\r\nx-padding: ${PADDING}\r\n\r\n`

/** Starts a server whose responses wait for `respond`. */
const listen = Effect.gen(function* () {
  const { server } = yield* NodeServer
  const pending: Array<ServerResponse> = []
  let handled = 0
  let inTurn = 0
  let maxInTurn = 0
  const port = yield* Effect.callback<number>((resume) => {
    server
      .on("request", ({ url }, response) => {
        handled++
        if (inTurn++ === 0) setImmediate(() => (inTurn = 0))
        maxInTurn = Math.max(maxInTurn, inTurn)
        pending.push(response)
        response.setHeader("x-url", url ?? "")
      })
      .listen(0, "127.0.0.1", () => {
        const address = server.address()
        resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 0))
      })
  })
  return {
    port,
    pending,
    handled: () => handled,
    /** Maximum number of requests that arrived in one turn of the event loop. */
    handledInTurn: () => maxInTurn,
    /** Responds to the pending requests, and to those that follow, with a body. */
    respond: (body: string) => {
      for (const response of pending.splice(0)) response.end(body)
      server.on("request", (_, response) => response.end(body))
    }
  }
})

describe("Pipelining", () => {
  it.live("handles few requests of a connection at a time, and responds to all in order", () =>
    Effect.gen(function* () {
      const { handled, port, respond } = yield* listen
      const paths = Array.from({ length: 400 }, (_, i) => `/api/v1/rates/${i}`)
      const exchange = yield* Effect.forkChild(
        RawHttp.exchange(port, paths.map(request).join(""), { responses: paths.length })
      )
      yield* eventually("the first requests", () => handled() > 0 || undefined)
      // Another connection is not affected.
      const other = yield* Effect.forkChild(RawHttp.exchange(port, request("/api/v1/rates/other")))
      yield* eventually(
        "the other request",
        () => handled() > Pipelining.MAX_CONCURRENT_REQUESTS || undefined
      )
      assert.strictEqual(handled(), Pipelining.MAX_CONCURRENT_REQUESTS + 1)
      respond("a".repeat(1_000))
      const { responses } = yield* Fiber.join(exchange)
      assert.deepStrictEqual(
        responses.map(({ headers }) => headers.get("x-url")),
        paths
      )
      assert.strictEqual((yield* Fiber.join(other)).responses[0]?.headers.get("x-url"), "/api/v1/rates/other")
    }).pipe(Effect.provide(NodeServer.layer))
  )

  it.live("stops reading from a client while its requests wait", () =>
    Effect.gen(function* () {
      const { handled, port } = yield* listen
      const flood = Buffer.from(request("/api/v1/currencies").repeat(20_000))
      const client = yield* Effect.acquireRelease(
        Effect.sync(() => connect(port, "127.0.0.1")),
        (client) => Effect.sync(() => client.destroy())
      )
      client.on("error", () => {})
      client.write(flood)
      yield* eventually("the first requests", () => handled() > 0 || undefined)
      // A later connection is handled only after everything that was read before.
      yield* Effect.forkChild(RawHttp.exchange(port, request("/api/v1/rates/other")))
      yield* eventually(
        "the other request",
        () => handled() > Pipelining.MAX_CONCURRENT_REQUESTS || undefined
      )
      assert.strictEqual(handled(), Pipelining.MAX_CONCURRENT_REQUESTS + 1)
      assert.isFalse(client.destroyed)
    }).pipe(Effect.scoped, Effect.provide(NodeServer.layer))
  )

  it.live("starts few requests of a connection in one turn, also if they are answered at once", () =>
    Effect.gen(function* () {
      const { port, respond, handledInTurn } = yield* listen
      respond("ok")
      const paths = Array.from({ length: 400 }, (_, i) => `/api/v1/rates/${i}`)
      const { responses } = yield* RawHttp.exchange(port, paths.map(request).join(""), {
        responses: paths.length
      })
      assert.deepStrictEqual(
        responses.map(({ headers }) => headers.get("x-url")),
        paths
      )
      assert.isAtMost(handledInTurn(), 2 * Pipelining.MAX_CONCURRENT_REQUESTS)
    }).pipe(Effect.provide(NodeServer.layer))
  )

  it.live("drops the requests behind a response that closes the connection", () =>
    Effect.gen(function* () {
      const { server } = yield* NodeServer
      const { handled, port, respond } = yield* listen
      server.prependListener("request", (_, response) => response.setHeader("connection", "close"))
      respond("bye")
      const { responses } = yield* RawHttp.exchange(port, request("/api/v1/currencies").repeat(400), {
        untilClosed: true
      })
      assert.lengthOf(responses, 1)
      assert.isAtMost(handled(), 2 * Pipelining.MAX_CONCURRENT_REQUESTS)
    }).pipe(Effect.provide(NodeServer.layer))
  )

  it.live("disconnects a client with too many small requests in flight", () =>
    Effect.gen(function* () {
      const { port } = yield* listen
      const small = "GET /api/v1/currencies HTTP/1.1\r\nhost:\r\n\r\n"
      const closed = yield* Effect.callback<boolean>((resume) => {
        const sockets = Array.from({ length: 8 }, () => connect(port, "127.0.0.1"))
        for (const socket of sockets) {
          socket
            .on("error", () => {})
            .on("close", () => {
              for (const each of sockets) each.destroy()
              resume(Effect.succeed(true))
            })
          socket.write(small.repeat(5000))
        }
      })
      assert.isTrue(closed)
    }).pipe(Effect.provide(NodeServer.layer))
  )
})
