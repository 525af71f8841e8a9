import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Reactivity } from "effect/reactivity"
import { readFileSync } from "node:fs"
import * as Effex from "../support/Effex.ts"
import { USD_NGN, rate } from "../support/SampleRates.ts"
import * as RawSocket from "../support/RawSocket.ts"
import * as RedisServer from "../support/RedisServer.ts"
import * as NodeEnvironment from "../support/NodeEnvironment.ts"
import { open } from "../support/SocketClient.ts"
import { eventually } from "../support/Waiters.ts"
import * as TestRedis from "../support/TestRedis.ts"
import { pairOf } from "../support/RateTicks.ts"
import * as Workload from "../support/Workload.ts"
import * as StreamNodes from "../rates/feed/StreamNodes.ts"

const READERS = 99
const BASELINE_SECONDS = 3
const MAX_GROWTH_MIB = 256

/** Requests all rates many times; the test never reads the responses. */
const FLOOD = Buffer.concat([
  Buffer.from(RawSocket.handshake("/ws/rates/")),
  ...Array.from({ length: 20_000 }, () => RawSocket.frame(RawSocket.TEXT, '{"type":"get_all_rates"}'))
])
const DESTINATIONS = ["XOF", "XAF", "EGP", "ETB", "GHS", "KES", "MAD", "NGN", "ZAR", "UGX", "ZMW"]

/** Resident memory of a process; 0 if the system has no /proc. */
const memoryMib = (pid: number | undefined) => {
  try {
    const text = readFileSync(`/proc/${pid}/status`, "utf8")
    return Math.round(Number(/^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0) / 1024)
  } catch {
    return 0
  }
}

/** Measures the time from publishing a change to its arrival at a reader. */
const makeLatencyRecorder = () => {
  const published = new Map<string, number>()
  const millis: Array<number> = []
  return {
    publish: (n: number) => published.set(String((1_000_000 + n) / 1000), performance.now()),
    arrive: (text: string) => {
      const publishedAt = published.get(text)
      if (publishedAt !== undefined) millis.push(performance.now() - publishedAt)
    },
    /** The 99th percentile of the changes that arrived since the previous call. */
    takeP99: () => {
      const sorted = millis.splice(0).toSorted((a, b) => a - b)
      return { count: sorted.length, p99: Math.ceil(sorted[Math.ceil(sorted.length * 0.99) - 1] ?? 0) }
    }
  }
}

describe.skipIf(!TestRedis.isAvailable)("A stream reader that does not read", () => {
  it.live("is disconnected, while 99 others receive every change and memory stays bounded", () =>
    Effect.gen(function* () {
      const redis = yield* RedisServer.start
      const { env } = yield* NodeEnvironment.make({ REDIS_URL: redis.url, POLL_INTERVAL: "off" })
      const server = yield* Effex.serve(env)
      const publisher = yield* StreamNodes.start(redis.url)
      for (const from of ["USD", "CAD", "GBP", "EUR"])
        for (const to of DESTINATIONS) yield* publisher.publish(rate(pairOf(from, to), 1))

      const latency = makeLatencyRecorder()
      const newest = Array.from({ length: READERS }, () => "")
      const readers = yield* Effect.forEach(newest, () => open(`${server.url}/ws/rates/`), {
        concurrency: 20
      })
      yield* Effect.forEach(readers, ({ next }) => next)
      readers.forEach(({ webSocket }, i) =>
        webSocket.on("message", (data: Buffer) => {
          const text = /"rate_update".*"rate":"([^"]+)"/.exec(data.toString())?.[1]
          if (text === undefined) return
          newest[i] = text
          latency.arrive(text)
        })
      )
      let n = 1
      const publish = Effect.gen(function* () {
        latency.publish(++n)
        yield* publisher.publish(rate(USD_NGN, n))
        yield* Effect.sleep("50 millis")
      })
      const publishUntil = (isDone: () => boolean) => Effect.repeat(publish, { until: isDone })
      const after = (seconds: number) => {
        const end = performance.now() + seconds * 1000
        return () => performance.now() > end
      }

      yield* publishUntil(after(BASELINE_SECONDS))
      const baseline = latency.takeP99()
      const memoryBefore = memoryMib(server.process.pid)
      const stalled = yield* RawSocket.connect(Number(new URL(server.url).port), FLOOD)
      stalled.socket.pause()
      const connectedAt = performance.now()
      let maxMemory = memoryBefore
      const disconnects = Effect.map(Effex.get(server.url, "/metrics"), ({ body }) =>
        Number(/^effex_stream_disconnects_total (\d+)$/m.exec(body)?.[1] ?? 0)
      )
      yield* Effect.gen(function* () {
        yield* publishUntil(after(1))
        maxMemory = Math.max(maxMemory, memoryMib(server.process.pid))
        return yield* disconnects
      }).pipe(Effect.repeat({ until: (count) => count > 0 }), Effect.timeout("5 minutes"))
      const disconnectedAfter = performance.now() - connectedAt
      const duringStall = latency.takeP99()

      yield* Workload.report(
        `One reader of ${READERS + 1} reads nothing: disconnected after ${Math.round(disconnectedAfter / 1000)} s; latency of the others p99 ${baseline.p99} ms before (${baseline.count}), ${duringStall.p99} ms during the stall (${duringStall.count}); memory ${memoryBefore} MiB before, at most ${maxMemory} MiB`
      )
      const last = String((1_000_000 + n) / 1000)
      yield* eventually(
        "the last change at all readers",
        () => newest.every((text) => text === last) || undefined,
        20_000
      )
      assert.isTrue(readers.every(({ webSocket }) => webSocket.readyState === 1))
      assert.strictEqual(yield* disconnects, 1)
      assert.isBelow(maxMemory - memoryBefore, MAX_GROWTH_MIB)
    }).pipe(Effect.scoped, Effect.provide(Reactivity.layer))
  )
})
