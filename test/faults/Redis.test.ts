import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Reactivity } from "effect/reactivity"
import * as Effex from "../support/Effex.ts"
import * as Integrity from "../support/Integrity.ts"
import * as RedisServer from "../support/RedisServer.ts"
import * as NodeEnvironment from "../support/NodeEnvironment.ts"
import * as StreamReader from "../support/StreamReader.ts"
import * as TcpProxy from "../support/TcpProxy.ts"
import * as TestRedis from "../support/TestRedis.ts"
import * as Workload from "../support/Workload.ts"

interface RedisFault {
  readonly name: string
  readonly seconds: number
  readonly begin: (redis: RedisServer.RedisServer, proxy: TcpProxy.TcpProxy) => Effect.Effect<unknown>
  readonly end: (redis: RedisServer.RedisServer, proxy: TcpProxy.TcpProxy) => Effect.Effect<unknown>
  /** If true, Redis loses its data. */
  readonly losesData?: boolean
  /** If true, Redis does not respond during the fault. */
  readonly isUnresponsive?: boolean
}

const FAULTS: ReadonlyArray<RedisFault> = [
  {
    name: "frozen",
    seconds: 10,
    begin: ({ signal }) => signal("SIGSTOP"),
    end: ({ signal }) => signal("SIGCONT"),
    isUnresponsive: true
  },
  {
    name: "reset",
    seconds: 3,
    begin: (_, proxy) => Effect.sync(proxy.reset),
    end: (_, proxy) => Effect.sync(proxy.heal),
    isUnresponsive: true
  },
  {
    name: "stopped",
    seconds: 3,
    begin: ({ stop }) => stop,
    end: ({ restart }) => restart,
    losesData: true,
    isUnresponsive: true
  },
  {
    name: "emptied",
    seconds: 3,
    begin: ({ call }) => call("FLUSHALL"),
    end: () => Effect.void,
    losesData: true
  },
  {
    name: "full",
    seconds: 3,
    begin: ({ call }) =>
      Effect.andThen(
        call("CONFIG", "SET", "maxmemory-policy", "noeviction"),
        call("CONFIG", "SET", "maxmemory", "1")
      ),
    end: ({ call }) => call("CONFIG", "SET", "maxmemory", "0")
  }
]

const start = Effect.gen(function* () {
  const redis = yield* RedisServer.start
  const proxy = yield* TcpProxy.open(redis.target)
  const environment = yield* NodeEnvironment.make({
    REDIS_URL: `redis://127.0.0.1:${proxy.port}`,
    POLL_INTERVAL: "3 seconds"
  })
  const nodes = yield* Effect.all([Effex.serve(environment.env), Effex.serve(environment.env)], {
    concurrency: 2
  })
  const readers = yield* Effect.forEach(nodes, ({ url }) => StreamReader.follow(url))

  /** True if all readers are in one epoch and have the latest rates of the database. */
  const isConverged = Effect.gen(function* () {
    const rows = yield* environment.sql<{ pair: string; id: string }>`
      SELECT source_currency || ':' || destination_currency AS pair, rate_id AS id FROM latest_rate`
    const latest = new Map(rows.map(({ id, pair }) => [pair, id]))
    return (
      latest.size === 44 &&
      new Set(readers.map(({ position }) => position.epoch)).size === 1 &&
      readers.every((reader) => Array.from(latest).every(([pair, id]) => reader.rateIds().get(pair) === id))
    )
  })
  const awaitConvergence = isConverged.pipe(
    Effect.delay("50 millis"),
    Effect.repeat({ until: (converged) => converged }),
    Effect.timeoutOrElse({
      duration: "2 minutes",
      orElse: () =>
        Effect.die(
          new Error(`${JSON.stringify(readers)}\n${nodes.map(({ output }) => output()).join("\n\n")}`)
        )
    })
  )
  return { ...environment, redis, proxy, nodes, readers, awaitConvergence }
})

describe.skipIf(!TestRedis.isAvailable)("Two nodes whose Redis fails under load", () => {
  it.live(
    "serve every lookup and conversion, stream no wrong rate, and converge after each fault",
    () =>
      Effect.gen(function* () {
        const { awaitConvergence, proxy, nodes, readers, redis, sql } = yield* start
        yield* awaitConvergence
        const [first] = nodes
        const workload = Workload.make("redis")
        let requestCount = 0
        const nextUrl = () => nodes[requestCount++ % nodes.length]?.url ?? assert.fail()
        const load = yield* workload.drive(nextUrl, { writers: 4, readers: 8, pause: "10 millis" })
        for (const { begin, end, isUnresponsive = false, losesData = false, name, seconds } of FAULTS) {
          const epochs = readers.map((reader) => reader.epochs())
          const startedAt = performance.now()
          yield* begin(redis, proxy)
          yield* Effect.sleep(seconds * 1000)
          const { body } = yield* Effex.get(first.url, "/metrics")
          assert.include(body, `\neffex_redis_up ${isUnresponsive ? 0 : 1}\n`, name)
          const lookups = workload.statistics("lookup", startedAt)
          const conversions = workload.statistics("conversion", startedAt)
          yield* end(redis, proxy)
          const endedAt = performance.now()
          yield* awaitConvergence
          assert.strictEqual(lookups.failed, 0, name)
          assert.strictEqual(conversions.failed, 0, name)
          for (const { violations } of readers) assert.deepStrictEqual(violations, [], name)
          if (losesData)
            readers.forEach((reader, i) => assert.isAbove(reader.epochs(), epochs[i] ?? assert.fail(), name))
          yield* Workload.report(
            `Redis ${name} ${seconds} s: ${Workload.format("lookups", lookups)}; ${Workload.format("conversions", conversions)}; converged after ${Math.round(performance.now() - endedAt)} ms`
          )
        }
        yield* load.stop
        assert.strictEqual(workload.statistics("lookup").failed, 0)
        const settled = yield* Integrity.check({ workload, url: first.url, sql, nodes: nodes.length })
        for (const { process } of nodes) assert.isNull(process.exitCode)
        yield* Workload.report(`Redis, all faults: ${Integrity.format(settled)}`)
      }).pipe(Effect.scoped, Effect.provide(Reactivity.layer)),
    300_000
  )
})
