import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Reactivity } from "effect/reactivity"
import { connect } from "node:net"
import { fileURLToPath } from "node:url"
import { runProgram } from "../support/ChildProgram.ts"
import * as Effex from "../support/Effex.ts"
import * as NodeEnvironment from "../support/NodeEnvironment.ts"
import * as Observation from "../support/Observation.ts"
import * as Workload from "../support/Workload.ts"

const IDLE_SECONDS = 5
const ATTACK_SECONDS = 20

const SLOW_BYTES_PER_SECOND = 20_000
/** Three times as long as a client may take no bytes at all. */
const SLOW_SECONDS = 45

const MAX_GROWTH_MIB = 200
/** CPU time that an attack may cost the server, per second. */
const MAX_CPU_MILLIS_PER_SECOND = 200
/** CPU time of an attack that sends all its requests at once. Others wait for it, but only once. */
const MAX_BURST_CPU_MILLIS = 1000
/** Factor by which other programs may stretch the CPU time of a burst on this machine. */
const MAX_BURST_STRETCH = 4

/** Default limits, which apply to the attack alone: it comes from an address of its own. */
const LIMITS = { RATE_LIMIT_READS: "6000/minute", RATE_LIMIT_WRITES: "600/minute" }

const client = fileURLToPath(new URL("./HostileClient.ts", import.meta.url))

interface Attack {
  readonly title: string
  /** Number of connections that the client must open for the test to be valid. It has a low priority. */
  readonly minConnections: number
  /** CPU time that a request of the attack may cost. */
  readonly maxCpuMillisPerRequest?: number
  /** True if it sends all its requests at once. */
  readonly isBurst?: boolean
}

const ATTACKS: Readonly<Record<string, Attack>> = {
  "unread-pages": {
    title: "700 connections that request /docs twice and never read",
    minConnections: 500,
    isBurst: true
  },
  "unread-scripts": {
    title: "700 connections that request the script of /docs twice and never read",
    minConnections: 500,
    isBurst: true
  },
  "pipelined-pages": {
    title: "a connection per second with 100 pipelined requests of /docs, which reads",
    minConnections: 5,
    // Rendering the page for each request took 23 ms.
    maxCpuMillisPerRequest: 3
  },
  "unread-pipelined-pages": {
    title: "a connection per second with 100 pipelined requests of the script of /docs, which never reads",
    minConnections: 5
  },
  "pipelined-unknown-paths": {
    title: "four connections per second with 400 pipelined unknown paths",
    minConnections: 20
  },
  fragments: { title: "40 WebSocket messages of 16 000 one-byte fragments", minConnections: 40 }
}

/** Number of requests that a server has answered, apart from those of {@link Observation.observe}. */
const countAttackRequests = ({ url }: Observation.Server) =>
  Effect.map(Effex.get(url, "/metrics"), ({ body }) =>
    Array.from(body.matchAll(/^effex_http_requests_total\{(.*)\} (\d+)$/gm), ([, labels = "", count]) =>
      /route="\/api\/v1\/(rates|convert)"/.test(labels) ? 0 : Number(count)
    ).reduce((sum, count) => sum + count, 0)
  )

const serve = Effect.gen(function* () {
  const { env } = yield* NodeEnvironment.make()
  const server = yield* Effex.serve({ ...env, ...LIMITS })
  // Memory and code that the first requests need do not count as growth.
  yield* Effex.get(server.url, "/docs")
  yield* Effex.get(server.url, "/docs/scalar.js")
  yield* Observation.observe(server, 1)
  return server
})

describe("A client with hostile connections", () => {
  for (const [name, { isBurst, maxCpuMillisPerRequest, minConnections, title }] of Object.entries(ATTACKS)) {
    it.live(`does not slow down others or exhaust memory: ${title}`, () =>
      Effect.gen(function* () {
        const server = yield* serve
        // Is observed at the same time, because other programs may slow down this machine.
        const control = yield* serve
        const idle = yield* Observation.observe(server, IDLE_SECONDS)
        const requestsBefore = yield* countAttackRequests(server)
        const { port } = new URL(server.url)
        const hostile = yield* runProgram("nice", ["-n", "19", process.execPath, client, port, name])
        yield* hostile.written(/opened \d+\n/)
        const [attacked, unattacked] = yield* Effect.all(
          [Observation.observe(server, ATTACK_SECONDS), Observation.observe(control, ATTACK_SECONDS)],
          { concurrency: "unbounded" }
        )
        const requests = (yield* countAttackRequests(server)) - requestsBefore
        const connections = hostile.output().split("opened").length - 1
        const cpu = Math.max(0, attacked.cpuMillis - unattacked.cpuMillis)
        yield* Workload.report(
          [
            `${title}: ${connections} connections, ${requests} requests answered`,
            `during the attack ${Observation.describeLatency(attacked)}`,
            `of another server at that time ${Observation.describeLatency(unattacked)}`,
            `before ${Observation.describeLatency(idle)}`,
            `CPU time ${Math.round(cpu / ATTACK_SECONDS)} ms per second, ${(cpu / Math.max(1, requests)).toFixed(2)} ms per request`,
            `memory ${idle.maxMemory} MiB, then at most ${attacked.maxMemory} MiB`
          ].join("; ")
        )
        assert.isAtLeast(connections, minConnections)
        assert.isAtMost(attacked.maxMemory, idle.maxMemory + MAX_GROWTH_MIB)
        assert.isAtMost(cpu / ATTACK_SECONDS, MAX_CPU_MILLIS_PER_SECOND)
        if (maxCpuMillisPerRequest !== undefined) assert.isAtMost(cpu / requests, maxCpuMillisPerRequest)
        if (isBurst === true) assert.isAtMost(cpu, MAX_BURST_CPU_MILLIS)
        const burstMillis = isBurst === true ? MAX_BURST_STRETCH * cpu : 0
        Observation.assertLatency(attacked, [idle, unattacked], { p99: burstMillis })
      }).pipe(Effect.scoped, Effect.provide(Reactivity.layer))
    )
  }
})

describe("A slow client", () => {
  it.live("that reads 20 KB of a script per second keeps its connection", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const { port } = new URL(server.url)
      const socket = yield* Effect.acquireRelease(
        Effect.sync(() => connect(Number(port), "127.0.0.1")),
        (socket) => Effect.sync(() => socket.destroy())
      )
      socket.write("GET /docs/scalar.js HTTP/1.1\r\nhost: localhost\r\n\r\n")
      let bytes = 0
      yield* Effect.sync(() => {
        const chunk: Buffer | null = socket.read(SLOW_BYTES_PER_SECOND / 10)
        bytes += chunk?.length ?? 0
      }).pipe(Effect.delay("100 millis"), Effect.repeat({ times: SLOW_SECONDS * 10 }))
      yield* Workload.report(`A slow client read ${Math.round(bytes / 1000)} KB in ${SLOW_SECONDS} s`)
      assert.isFalse(socket.closed)
      assert.isAtLeast(bytes, SLOW_BYTES_PER_SECOND)
      const { body } = yield* Effex.get(server.url, "/metrics")
      assert.match(body, /^effex_http_disconnects_total\{reason="stalled"\} 0$/m)
    }).pipe(Effect.scoped, Effect.provide(Reactivity.layer))
  )
})
