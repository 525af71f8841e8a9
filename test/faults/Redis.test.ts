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

interface Fault {
  readonly name: string
  readonly seconds: number
  readonly begin: (redis: RedisServer.RedisServer, door: TcpProxy.TcpProxy) => Effect.Effect<unknown>
  readonly end: (redis: RedisServer.RedisServer, door: TcpProxy.TcpProxy) => Effect.Effect<unknown>
  /** What it knew is gone. */
  readonly forgets?: boolean
  /** It answers nothing meanwhile. */
  readonly isSilent?: boolean
}

const FAULTS: ReadonlyArray<Fault> = [
  {
    name: "frozen",
    seconds: 10,
    begin: ({ signal }) => signal("SIGSTOP"),
    end: ({ signal }) => signal("SIGCONT"),
    isSilent: true
  },
  {
    name: "reset",
    seconds: 3,
    begin: (_, door) => Effect.sync(door.reset),
    end: (_, door) => Effect.sync(door.heal),
    isSilent: true
  },
  {
    name: "stopped",
    seconds: 3,
    begin: ({ stop }) => stop,
    end: ({ startAgain }) => startAgain,
    forgets: true,
    isSilent: true
  },
  {
    name: "emptied",
    seconds: 3,
    begin: ({ call }) => call("FLUSHALL"),
    end: () => Effect.void,
    forgets: true
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
  const door = yield* TcpProxy.open(redis.target)
  const site = yield* NodeEnvironment.make({
    REDIS_URL: `redis://127.0.0.1:${door.port}`,
    POLL_INTERVAL: "3 seconds"
  })
  const nodes = yield* Effect.all([Effex.serve(site.env), Effex.serve(site.env)], { concurrency: 2 })
  const readers = yield* Effect.forEach(nodes, ({ url }) => StreamReader.follow(url))

  /** Every reader is at one position of one epoch, and was told what the database says. */
  const areInStep = Effect.gen(function* () {
    const rows = yield* site.sql<{ pair: string; id: string }>`
      SELECT source_currency || ':' || destination_currency AS pair, rate_id AS id FROM latest_rate`
    const latest = new Map(rows.map(({ id, pair }) => [pair, id]))
    return (
      latest.size === 44 &&
      new Set(readers.map(({ position }) => position.epoch)).size === 1 &&
      readers.every((reader) => Array.from(latest).every(([pair, id]) => reader.view().get(pair) === id))
    )
  })
  const untilInStep = areInStep.pipe(
    Effect.delay("50 millis"),
    Effect.repeat({ until: (inStep) => inStep }),
    Effect.timeoutOrElse({
      duration: "2 minutes",
      orElse: () =>
        Effect.die(
          new Error(`${JSON.stringify(readers)}\n${nodes.map(({ output }) => output()).join("\n\n")}`)
        )
    })
  )
  return { ...site, redis, door, nodes, readers, untilInStep }
})

describe.skipIf(!TestRedis.isAvailable)("Two nodes over a Redis that fails under load", () => {
  it.live(
    "look up and convert on without one failure, tell nothing wrong, and are in step again afterwards",
    () =>
      Effect.gen(function* () {
        const { door, nodes, readers, redis, sql, untilInStep } = yield* start
        yield* untilInStep
        const [first] = nodes
        const workload = Workload.make("redis")
        let turn = 0
        const nextUrl = () => nodes[turn++ % nodes.length]?.url ?? assert.fail()
        const load = yield* workload.drive(nextUrl, { writers: 4, readers: 8, pause: "10 millis" })
        for (const { begin, end, forgets = false, isSilent = false, name, seconds } of FAULTS) {
          const epochs = readers.map((reader) => reader.epochs())
          const startedAt = performance.now()
          yield* begin(redis, door)
          yield* Effect.sleep(seconds * 1000)
          const { body } = yield* Effex.get(first.url, "/metrics")
          assert.include(body, `\neffex_redis_up ${isSilent ? 0 : 1}\n`, name)
          const lookups = workload.figures("lookup", startedAt)
          const conversions = workload.figures("conversion", startedAt)
          yield* end(redis, door)
          const endedAt = performance.now()
          yield* untilInStep
          assert.strictEqual(lookups.failed, 0, name)
          assert.strictEqual(conversions.failed, 0, name)
          for (const { violations } of readers) assert.deepStrictEqual(violations, [], name)
          if (forgets)
            readers.forEach((reader, i) => assert.isAbove(reader.epochs(), epochs[i] ?? assert.fail(), name))
          yield* Workload.report(
            `Redis ${name} ${seconds} s: ${Workload.inWords("lookups", lookups)}; ${Workload.inWords("conversions", conversions)}; in step again after ${Math.round(performance.now() - endedAt)} ms`
          )
        }
        yield* load.stop
        assert.strictEqual(workload.figures("lookup").failed, 0)
        const settled = yield* Integrity.check({ workload, url: first.url, sql, nodes: nodes.length })
        for (const { process } of nodes) assert.isNull(process.exitCode)
        yield* Workload.report(`Redis, all of it: ${Integrity.inWords(settled)}`)
      }).pipe(Effect.scoped, Effect.provide(Reactivity.layer)),
    300_000
  )
})
