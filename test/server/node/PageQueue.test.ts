import { assert, describe, it } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import type { ServerResponse } from "node:http"
import { connect } from "node:net"
import { NodeServer } from "../../../src/server/node/NodeServer.ts"
import * as RawHttp from "../../support/RawHttp.ts"
import { eventually } from "../../support/Waiters.ts"

const request = (path: string) => `GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`

interface Handled {
  readonly url: string
  readonly address: string | undefined
  /** Number of the event-loop turn. */
  readonly turn: number
}

/** Starts a server that responds at once. Returns its port and what it has handled. */
const listen = Effect.gen(function* () {
  const { server } = yield* NodeServer
  const handled: Array<Handled> = []
  let turn = 0
  const countTurns = () => {
    turn++
    timer = setImmediate(countTurns)
  }
  let timer = setImmediate(countTurns)
  yield* Effect.addFinalizer(() => Effect.sync(() => clearImmediate(timer)))
  const port = yield* Effect.callback<number>((resume) => {
    server
      .on("request", ({ socket, url = "" }, response) => {
        handled.push({ url, address: socket.remoteAddress, turn })
        response.end("ok")
      })
      .listen(0, "127.0.0.1", () => {
        const address = server.address()
        resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 0))
      })
  })
  return { server, port, handled }
})

/** Opens connections from an address of their own, each of which sends the same bytes. */
const openAll = (port: number, localAddress: string, connections: number, bytes: string) =>
  Effect.acquireRelease(
    Effect.sync(() =>
      Array.from({ length: connections }, () => {
        const socket = connect({ port, host: "127.0.0.1", localAddress })
        socket.on("error", () => {}).resume()
        socket.write(bytes)
        return socket
      })
    ),
    (sockets) => Effect.sync(() => sockets.forEach((socket) => socket.destroy()))
  )

const live = (title: string, test: Effect.Effect<void, never, NodeServer | Scope.Scope>) =>
  it.live(title, () => test.pipe(Effect.scoped, Effect.provide(NodeServer.layer)))

describe("PageQueue", () => {
  live(
    "starts one request for a page per event-loop turn, whatever the number of connections",
    Effect.gen(function* () {
      const { handled, port } = yield* listen
      yield* openAll(port, "127.0.0.1", 100, request("/docs").repeat(2))
      yield* eventually("all pages", () => handled.length === 200 || undefined)
      assert.strictEqual(new Set(handled.map(({ turn }) => turn)).size, 200)
    })
  )

  live(
    "starts one sign-in per event-loop turn too",
    Effect.gen(function* () {
      const { handled, port } = yield* listen
      yield* openAll(port, "127.0.0.1", 100, request("/api/v1/accounts/auth/login"))
      yield* eventually("all sign-ins", () => handled.length === 100 || undefined)
      assert.strictEqual(new Set(handled.map(({ turn }) => turn)).size, 100)
    })
  )

  live(
    "starts requests of the API at once",
    Effect.gen(function* () {
      const { handled, port } = yield* listen
      yield* openAll(
        port,
        "127.0.0.1",
        1,
        request("/docs").repeat(6) + request("/api/v1/rates?from=USD&to=NGN")
      )
      yield* eventually("all requests", () => handled.length === 7 || undefined)
      assert.deepStrictEqual(
        handled.slice(0, 2).map(({ url }) => url),
        ["/docs", "/api/v1/rates?from=USD&to=NGN"]
      )
    })
  )

  live(
    "starts pages after the responses of the API, but lets them wait for a short time only",
    Effect.gen(function* () {
      const { server } = yield* NodeServer
      const handled: Array<string> = []
      const pending: Array<ServerResponse> = []
      const port = yield* Effect.callback<number>((resume) => {
        server
          .on("request", ({ url = "" }, response) => {
            handled.push(url)
            if (url === "/docs") response.end("ok")
            else pending.push(response)
          })
          .listen(0, "127.0.0.1", () => {
            const address = server.address()
            resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 0))
          })
      })
      yield* openAll(port, "127.0.0.1", 1, request("/api/v1/rates?from=USD&to=NGN"))
      yield* eventually("the request of the API", () => handled.length === 1 || undefined)
      yield* openAll(port, "127.0.0.1", 1, request("/docs").repeat(3))
      const startedAt = performance.now()
      yield* eventually("all pages", () => handled.length === 4 || undefined)
      // The first page starts at once; each of the others waits for its time.
      assert.isAtLeast(performance.now() - startedAt, 20)
      pending.forEach((response) => response.end("ok"))
    })
  )

  live(
    "takes the addresses in turn",
    Effect.gen(function* () {
      const { handled, port, server } = yield* listen
      // Both have sent everything before the first page is started.
      let connections = 0
      server.on("connection", () => connections++)
      yield* openAll(port, "127.0.0.2", 50, request("/docs").repeat(2))
      yield* openAll(port, "127.0.0.3", 1, request("/docs"))
      yield* eventually("all pages", () => handled.length === 101 || undefined)
      assert.strictEqual(connections, 51)
      const accepted = handled.findIndex(({ address }) => address === "127.0.0.3")
      assert.isBelow(accepted, 100)
    })
  )

  live(
    "lets the pages of an address wait when they have taken more than their share of the time",
    Effect.gen(function* () {
      const { handled, port, server } = yield* listen
      server.prependListener("request", () => {
        const end = performance.now() + 3
        while (performance.now() < end);
      })
      const startedAt = performance.now()
      yield* openAll(port, "127.0.0.2", 4, request("/docs").repeat(8))
      yield* openAll(port, "127.0.0.3", 1, request("/docs"))
      yield* eventually("all pages", () => handled.length === 33 || undefined)
      // Each page counts 2 ms. Ten are a burst, and each of the others waits for 20 ms.
      assert.isAtLeast(performance.now() - startedAt, 400)
      assert.strictEqual(handled.at(-1)?.address, "127.0.0.2")
    })
  )

  live(
    "lets no page of a proxy wait for others of the proxy",
    Effect.gen(function* () {
      const { handled, port, server } = yield* listen
      server.isSharedAddress = (address) => address === "127.0.0.2"
      server.prependListener("request", () => {
        const end = performance.now() + 3
        while (performance.now() < end);
      })
      const handledOf = (address: string) => handled.filter((each) => each.address === address).length
      // All but ten wait for 20 ms each, so together for more than two seconds.
      yield* openAll(port, "127.0.0.3", 4, request("/docs").repeat(32))
      yield* openAll(port, "127.0.0.2", 4, request("/docs").repeat(8))
      yield* eventually("all pages of the proxy", () => handledOf("127.0.0.2") === 32 || undefined)
      assert.isBelow(handledOf("127.0.0.3"), 128)
    })
  )

  live(
    "drops the pages behind a response that closes the connection",
    Effect.gen(function* () {
      const { handled, port, server } = yield* listen
      server.prependListener("request", (_, response) => response.setHeader("connection", "close"))
      const { responses } = yield* RawHttp.exchange(port, request("/docs").repeat(5), { untilClosed: true })
      assert.lengthOf(responses, 1)
      assert.lengthOf(handled, 1)
    })
  )
})
