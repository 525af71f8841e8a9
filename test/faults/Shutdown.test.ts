import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Schedule } from "effect"
import { Reactivity } from "effect/reactivity"
import { createServer } from "node:http"
import { connect } from "node:net"
import * as Effex from "../support/Effex.ts"
import * as SseClient from "../support/SseClient.ts"
import * as Integrity from "../support/Integrity.ts"
import * as RawHttp from "../support/RawHttp.ts"
import * as RedisServer from "../support/RedisServer.ts"
import * as NodeEnvironment from "../support/NodeEnvironment.ts"
import { open, type SocketClient } from "../support/SocketClient.ts"
import { eventually } from "../support/Waiters.ts"
import * as Workload from "../support/Workload.ts"

const STREAMS_PER_TRANSPORT = 67
const POSTS = 20

const repeatConcurrently = <A, E, R>(count: number, effect: Effect.Effect<A, E, R>) =>
  Effect.forEach(Array.from({ length: count }), () => effect, { concurrency: 50 })

const awaitOpen = ({ webSocket }: SocketClient) =>
  eventually("handshake", () => webSocket.readyState === 1 || undefined)

const conversion = (key: string) => {
  const body = `{"amount":"500.00","from_currency":"USD","to_currency":"NGN"}`
  const head = [
    "POST /api/v1/convert HTTP/1.1",
    "Host: localhost",
    "Content-Type: application/json",
    `Idempotency-Key: ${key}`,
    `Content-Length: ${body.length}`,
    "Expect: 100-continue",
    "",
    ""
  ].join("\r\n")
  return { head: head + body.slice(0, 10), rest: body.slice(10) }
}

const CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n"

/** Sends the beginning of a request; `send` sends the rest. */
const beginRequest = Effect.fnUntraced(function* (url: string, head: string) {
  const socket = yield* Effect.acquireRelease(
    Effect.sync(() => connect(Number(new URL(url).port), "127.0.0.1").on("error", () => {})),
    (socket) => Effect.sync(() => socket.destroy())
  )
  let text = ""
  let hasEnded = false
  socket.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")))
  socket.on("close", () => (hasEnded = true))
  socket.write(head)
  return {
    send: (rest: string) => socket.write(rest),
    text: () => text,
    /** Waits until the server has accepted the request, which has the header `Expect: 100-continue`. */
    accepted: Effect.suspend(() =>
      eventually("100 Continue", () => {
        const isAccepted = text.startsWith(CONTINUE)
        if (isAccepted) text = text.slice(CONTINUE.length)
        return isAccepted || undefined
      })
    ),
    ended: Effect.suspend(() => eventually("end", () => hasEnded || undefined, 20_000))
  }
})

/** An OpenTelemetry collector that keeps everything it receives. */
const startCollector = Effect.gen(function* () {
  let text = ""
  const server = yield* Effect.acquireRelease(
    Effect.promise(async () => {
      const server = createServer((request, response) => {
        request.on("data", (chunk: Buffer) => (text += chunk.toString()))
        request.on("end", () => response.end("{}"))
      })
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
      return server
    }),
    (server) => Effect.sync(() => server.close())
  )
  const address = server.address()
  const port = typeof address === "object" && address !== null ? address.port : 0
  return { url: `http://127.0.0.1:${port}`, received: () => text }
})

describe("SIGTERM", () => {
  it.live("closes 200 streams with 1001 immediately, finishes 20 slow POSTs, and exits with code 0", () =>
    Effect.gen(function* () {
      const { env, sql } = yield* NodeEnvironment.make({ STREAMS_PER_ADDRESS: "off" })
      const { ended, output, process, url, written } = yield* Effex.serve(env)
      yield* written(/44 refreshed/)
      const sockets = yield* repeatConcurrently(STREAMS_PER_TRANSPORT, open(`${url}/ws/rates/`))
      const calls = yield* repeatConcurrently(STREAMS_PER_TRANSPORT, open(`${url}/rpc`))
      const events = yield* repeatConcurrently(
        STREAMS_PER_TRANSPORT,
        SseClient.open(`${url}/api/v1/rates/stream`)
      )
      yield* Effect.forEach([...sockets, ...calls], awaitOpen)
      yield* Effect.forEach(sockets, ({ next }) => next)
      const watch = { _tag: "Request", id: "1", tag: "WatchRates", payload: {}, headers: [] }
      for (const call of calls) yield* call.send(watch)
      yield* Effect.forEach(calls, ({ next }) => next)
      const conversions = Array.from({ length: POSTS }, (_, i) => conversion(`slow ${i + 1}`))
      const posts = yield* Effect.forEach(conversions, ({ head }) => beginRequest(url, head))
      // A connection without a complete request must not delay the shutdown.
      yield* beginRequest(url, "GET /health")
      yield* Effect.forEach(posts, ({ accepted }) => accepted)

      const startedAt = performance.now()
      process.kill("SIGTERM")
      for (const { closed } of [...sockets, ...calls]) assert.strictEqual((yield* closed).code, 1001)
      for (const stream of events) yield* stream.ended
      const closedAfter = performance.now() - startedAt
      assert.isNull(process.exitCode)
      yield* Effect.sleep("2 seconds")
      posts.forEach(({ send }, i) => send(conversions[i]?.rest ?? assert.fail()))
      for (const { ended, text } of posts) {
        yield* ended
        assert.match(text(), /^HTTP\/1\.1 200 OK\r\n/)
        assert.match(text(), /\r\nconnection: close\r\n/i)
        assert.match(text(), /"audit_id":"[^"]+".*}$/)
      }
      assert.strictEqual(yield* ended, 0, output())
      const endedAfter = performance.now() - startedAt
      const [row] = yield* sql<{ count: bigint }>`SELECT count(*) FROM conversion_audit`
      assert.strictEqual(Number(row?.count), POSTS)
      assert.notInclude(output(), "ERROR")
      yield* Workload.report(
        `SIGTERM: ${3 * STREAMS_PER_TRANSPORT} streams closed after ${Math.round(closedAfter)} ms, ${POSTS} of ${POSTS} POSTs of 2 s finished, exit code 0 after ${Math.round(endedAfter)} ms`
      )
    }).pipe(Effect.scoped, Effect.provide(Reactivity.layer))
  )

  it.live("flushes telemetry before it exits", () =>
    Effect.gen(function* () {
      const { env } = yield* NodeEnvironment.make()
      const collector = yield* startCollector
      const { ended, process, written } = yield* Effex.serve({
        ...env,
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
        // No scheduled export happens during the test.
        OTEL_BLRP_SCHEDULE_DELAY: "600000"
      })
      yield* written(/44 refreshed/)
      process.kill("SIGTERM")
      assert.strictEqual(yield* Effect.timeout(ended, "20 seconds"), 0)
      assert.include(collector.received(), "effex is listening on")
      assert.include(collector.received(), "effex is shutting down")
    }).pipe(Effect.scoped, Effect.provide(Reactivity.layer))
  )

  it.live("waits at most 10 seconds for a request that never ends", () =>
    Effect.gen(function* () {
      const { env } = yield* NodeEnvironment.make()
      const { ended, process, url } = yield* Effex.serve(env)
      const post = yield* beginRequest(url, conversion("endless").head)
      yield* post.accepted
      process.kill("SIGTERM")
      const [elapsed, code] = yield* Effect.timed(Effect.timeout(ended, "30 seconds"))
      assert.strictEqual(code, 0)
      yield* post.ended
      yield* Workload.report(
        `SIGTERM with a POST that never ends: exit code 0 after ${Duration.format(elapsed)}`
      )
    }).pipe(Effect.scoped, Effect.provide(Reactivity.layer))
  )

  it.live("reports not ready and keeps serving for SHUTDOWN_DELAY; a second SIGTERM exits immediately", () =>
    Effect.gen(function* () {
      const { env } = yield* NodeEnvironment.make({ SHUTDOWN_DELAY: "1 minute" })
      const { ended, process, url, written } = yield* Effex.serve(env)
      yield* written(/44 refreshed/)
      const reader = yield* open(`${url}/ws/rates/`)
      yield* reader.next
      process.kill("SIGTERM")
      const ready = yield* Effect.repeat(Effect.delay(Effex.get(url, "/health/ready"), "20 millis"), {
        until: ({ status }) => status === 503
      })
      assert.deepInclude(JSON.parse(ready.body), { status: "down", draining: true })
      // It still accepts new connections, and closes each one after the response.
      const request = "GET /api/v1/rates?from=USD&to=NGN HTTP/1.1\r\nHost: localhost\r\n\r\n"
      const { responses } = yield* RawHttp.exchange(Number(new URL(url).port), request, { untilClosed: true })
      assert.strictEqual(responses[0]?.status, 200)
      assert.strictEqual(responses[0]?.headers.get("connection"), "close")
      yield* reader.assertNoMessage
      // Signals within half a second count as one, because npm forwards what the terminal has sent already.
      yield* Effect.sleep("600 millis")
      process.kill("SIGTERM")
      assert.strictEqual(yield* ended.pipe(Effect.timeout("5 seconds")), 128 + 15)
      yield* reader.closed
    }).pipe(Effect.scoped, Effect.provide(Reactivity.layer))
  )
})

const isReady = (url: string) =>
  Effex.get(url, "/health/ready").pipe(
    Effect.map(({ status }) => status === 200),
    Effect.catchCause(() => Effect.succeed(false))
  )

/** Load balancer: ready nodes in turn, with the other nodes as alternatives for refused connections. */
const makeBalancer = Effect.fnUntraced(function* (urls: ReadonlyArray<string>) {
  let ready = urls
  let requestCount = 0
  yield* Effect.filter(urls, isReady, { concurrency: "unbounded" }).pipe(
    Effect.map((found) => (ready = found)),
    Effect.repeat(Schedule.spaced("100 millis")),
    Effect.forkScoped
  )
  return () => {
    const first = ready[requestCount++ % ready.length]
    return first === undefined ? urls : [first, ...urls.filter((url) => url !== first)]
  }
})

describe("A rolling restart of two nodes under load", () => {
  it.live(
    "fails no request behind a load balancer that checks readiness and retries refused connections",
    () =>
      Effect.gen(function* () {
        const ports = [
          yield* Effect.promise(RedisServer.freePort),
          yield* Effect.promise(RedisServer.freePort)
        ]
        const { env, sql } = yield* NodeEnvironment.make({
          POLL_INTERVAL: "1 second",
          SHUTDOWN_DELAY: "3 seconds"
        })
        const start = (port: number) => Effex.serve({ ...env, PORT: String(port) })
        const nodes = yield* Effect.forEach(ports, start, { concurrency: 2 })
        const workload = Workload.make("rolling")
        const urls = nodes.map(({ url }) => url)
        const load = yield* workload.drive(yield* makeBalancer(urls), {
          writers: 4,
          readers: 8,
          pause: "2 millis"
        })
        yield* Effect.sleep("1 second")
        const shutdownMillis: Array<number> = []
        for (const [i, port] of ports.entries()) {
          const node = nodes[i] ?? assert.fail()
          node.process.kill("SIGTERM")
          const [elapsed, code] = yield* Effect.timed(node.ended)
          shutdownMillis.push(Math.round(Duration.toMillis(elapsed)))
          assert.strictEqual(code, 0, node.output())
          nodes[i] = yield* start(port)
          yield* Effect.sleep("500 millis")
        }
        yield* load.stop
        const [lookups, conversions] = [workload.statistics("lookup"), workload.statistics("conversion")]
        assert.deepStrictEqual(workload.failures, [])
        const settled = yield* Integrity.check({ workload, url: urls[0] ?? assert.fail(), sql, nodes: 2 })
        for (const { process } of nodes) process.kill("SIGTERM")
        yield* Effect.forEach(nodes, ({ ended }) => ended)
        yield* Integrity.checkReleased(sql)
        yield* Workload.report(
          `Rolling restart, ${shutdownMillis.length} times: ${Workload.format("lookups", lookups)}; ${Workload.format("conversions", conversions)}; each node exited after ${shutdownMillis.join(", ")} ms; ${Integrity.format(settled)}`
        )
      }).pipe(Effect.scoped, Effect.provide(Reactivity.layer))
  )
})
