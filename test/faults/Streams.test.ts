import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect } from "effect"
import { connect } from "node:net"
import * as Effex from "../support/Effex.ts"
import * as EventsClient from "../support/EventsClient.ts"
import { eventually, open, type SocketClient } from "../support/SocketClient.ts"

const OF_EACH_KIND = 67
const READERS = 500
const PAIRS = 44

const many = <A, E, R>(count: number, effect: Effect.Effect<A, E, R>) =>
  Effect.forEach(Array.from({ length: count }), () => effect, { concurrency: 50 })

const isOpen = ({ webSocket }: SocketClient) =>
  eventually("handshake", () => webSocket.readyState === 1 || undefined)

describe("Streams of a real server", () => {
  it.live(
    "are closed with 1001 at once on SIGTERM, 200 of them, and the server ends well",
    () =>
      Effect.gen(function* () {
        const { env } = yield* Effex.makeSandbox({ POLL_INTERVAL: "1 hour", STREAMS_PER_ADDRESS: "off" })
        const { ended, output, process, url } = yield* Effex.serve(env)
        const sockets = yield* many(OF_EACH_KIND, open(`${url}/ws/rates/`))
        const calls = yield* many(OF_EACH_KIND, open(`${url}/rpc`))
        const events = yield* many(OF_EACH_KIND, EventsClient.open(`${url}/api/v1/rates/stream`))
        yield* Effect.forEach([...sockets, ...calls], isOpen)
        yield* Effect.forEach(sockets, ({ next }) => next)
        const watch = { _tag: "Request", id: "1", tag: "WatchRates", payload: {}, headers: [] }
        for (const call of calls) yield* call.send(watch)
        yield* Effect.forEach(calls, ({ next }) => next)
        // Connections that were opened in advance ask for nothing.
        const idle = yield* Effect.acquireRelease(
          Effect.sync(() => connect(Number(new URL(url).port), "127.0.0.1").on("error", () => {})),
          (socket) => Effect.sync(() => socket.destroy())
        )
        idle.write("GET /health")

        process.kill("SIGTERM")
        const [took, code] = yield* Effect.timed(ended)
        assert.strictEqual(code, 0, output())
        assert.isBelow(Duration.toMillis(took), 2000)
        for (const { closed } of [...sockets, ...calls]) assert.strictEqual((yield* closed).code, 1001)
        for (const stream of events) yield* stream.ended
        assert.notInclude(output(), "ERROR")
      }).pipe(Effect.scoped),
    30_000
  )

  it.live(
    "tell 500 readers of all 44 changes of a poll, at the same time",
    () =>
      Effect.gen(function* () {
        const { env } = yield* Effex.makeSandbox({ POLL_INTERVAL: "4 seconds", POLL_SPACING: "1 millis" })
        const { url } = yield* Effex.serve(env)
        const arrivals = new Map<number, { first: number; last: number; count: number }>()
        let polls = 0
        const hear = (data: Buffer) => {
          const text = data.toString()
          if (text.startsWith('{"type":"all_rates_update"')) polls++
          if (!text.startsWith('{"type":"rate_update"')) return
          const sequence = Number(/"sequence":(\d+)/.exec(text)?.[1])
          const now = performance.now()
          const known = arrivals.get(sequence)
          if (known === undefined) arrivals.set(sequence, { first: now, last: now, count: 1 })
          else Object.assign(known, { last: now, count: known.count + 1 })
        }
        const readers = yield* many(READERS, open(`${url}/ws/rates/`))
        yield* Effect.forEach(readers, ({ next }) => next, { concurrency: 50 })
        for (const { webSocket } of readers) webSocket.on("message", hear)

        // The first one may have begun before all of them were there.
        yield* eventually("second poll, told to all", () => polls >= 2 * READERS || undefined, 20_000)
        const told = Array.from(arrivals.values()).slice(-PAIRS)
        assert.strictEqual(told.length, PAIRS)
        assert.isTrue(told.every(({ count }) => count === READERS))
        for (const { first, last } of told) assert.isBelow(last - first, 1000)
      }).pipe(Effect.scoped),
    40_000
  )
})
