import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Reactivity } from "effect/reactivity"
import { readFileSync } from "node:fs"
import * as Effex from "../support/Effex.ts"
import { NAIRA, rate } from "../support/SampleRates.ts"
import * as RawSocket from "../support/RawSocket.ts"
import * as RedisServer from "../support/RedisServer.ts"
import * as NodeEnvironment from "../support/NodeEnvironment.ts"
import { eventually, open } from "../support/SocketClient.ts"
import * as TestRedis from "../support/TestRedis.ts"
import { pairOf } from "../support/RateTicks.ts"
import * as Workload from "../support/Workload.ts"
import * as StreamNodes from "../rates/feed/StreamNodes.ts"

const READERS = 99
const CALM_SECONDS = 3
const MAX_GROWTH_MIB = 256

/** Asks for everything again and again, and reads none of it. */
const GREEDY = Buffer.concat([
  Buffer.from(RawSocket.handshake("/ws/rates/")),
  ...Array.from({ length: 20_000 }, () => RawSocket.frame(RawSocket.TEXT, '{"type":"get_all_rates"}'))
])
const DESTINATIONS = ["XOF", "XAF", "EGP", "ETB", "GHS", "KES", "MAD", "NGN", "ZAR", "UGX", "ZMW"]

/** The memory of a process; none where the system has no such file. */
const memoryMib = (pid: number | undefined) => {
  try {
    const text = readFileSync(`/proc/${pid}/status`, "utf8")
    return Math.round(Number(/^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0) / 1024)
  } catch {
    return 0
  }
}

/** How long changes are under way to those who read. */
const makeStopwatch = () => {
  const published = new Map<string, number>()
  const millis: Array<number> = []
  return {
    publish: (n: number) => published.set(String((1_000_000 + n) / 1000), performance.now()),
    arrive: (text: string) => {
      const at = published.get(text)
      if (at !== undefined) millis.push(performance.now() - at)
    },
    /** The 99th percentile of those that have arrived since it was asked for. */
    takeP99: () => {
      const sorted = millis.splice(0).toSorted((a, b) => a - b)
      return { count: sorted.length, p99: Math.ceil(sorted[Math.ceil(sorted.length * 0.99) - 1] ?? 0) }
    }
  }
}

describe.skipIf(!TestRedis.isAvailable)("One reader of a hundred that does not read", () => {
  it.live("is cut, while the others are told of everything, and memory is bounded", () =>
    Effect.gen(function* () {
      const redis = yield* RedisServer.start
      const { env } = yield* NodeEnvironment.make({ REDIS_URL: redis.url, POLL_INTERVAL: "off" })
      const server = yield* Effex.serve(env)
      const publisher = yield* StreamNodes.start(redis.url)
      for (const from of ["USD", "CAD", "GBP", "EUR"])
        for (const to of DESTINATIONS) yield* publisher.publish(rate(pairOf(from, to), 1))

      const stopwatch = makeStopwatch()
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
          stopwatch.arrive(text)
        })
      )
      let n = 1
      const publish = Effect.gen(function* () {
        stopwatch.publish(++n)
        yield* publisher.publish(rate(NAIRA, n))
        yield* Effect.sleep("50 millis")
      })
      const publishUntil = (isEnough: () => boolean) => Effect.repeat(publish, { until: isEnough })
      const after = (seconds: number) => {
        const end = performance.now() + seconds * 1000
        return () => performance.now() > end
      }

      yield* publishUntil(after(CALM_SECONDS))
      const calm = stopwatch.takeP99()
      const before = memoryMib(server.process.pid)
      const greedy = yield* RawSocket.connect(Number(new URL(server.url).port), GREEDY)
      greedy.socket.pause()
      const joinedAt = performance.now()
      let most = before
      const cut = Effect.map(Effex.get(server.url, "/metrics"), ({ body }) =>
        Number(/^effex_stream_cut_total (\d+)$/m.exec(body)?.[1] ?? 0)
      )
      yield* Effect.gen(function* () {
        yield* publishUntil(after(1))
        most = Math.max(most, memoryMib(server.process.pid))
        return yield* cut
      }).pipe(Effect.repeat({ until: (count) => count > 0 }), Effect.timeout("5 minutes"))
      const cutAfter = performance.now() - joinedAt
      const beside = stopwatch.takeP99()

      yield* Workload.report(
        `One reader of ${READERS + 1} reads nothing: cut after ${Math.round(cutAfter / 1000)} s; changes to the others p99 ${calm.p99} ms before (${calm.count}), ${beside.p99} ms beside it (${beside.count}); memory ${before} MiB before, ${most} MiB at most`
      )
      const last = String((1_000_000 + n) / 1000)
      yield* eventually(
        "the last change, for all",
        () => newest.every((text) => text === last) || undefined,
        20_000
      )
      assert.isTrue(readers.every(({ webSocket }) => webSocket.readyState === 1))
      assert.strictEqual(yield* cut, 1)
      assert.isBelow(most - before, MAX_GROWTH_MIB)
    }).pipe(Effect.scoped, Effect.provide(Reactivity.layer))
  )
})
