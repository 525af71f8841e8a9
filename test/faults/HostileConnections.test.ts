import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Reactivity } from "effect/reactivity"
import { readFileSync } from "node:fs"
import { connect } from "node:net"
import { fileURLToPath } from "node:url"
import { runProgram } from "../support/ChildProgram.ts"
import * as Effex from "../support/Effex.ts"
import * as NodeEnvironment from "../support/NodeEnvironment.ts"
import * as Workload from "../support/Workload.ts"

const IDLE_SECONDS = 5
const ATTACK_SECONDS = 20
const LOOKUP_INTERVAL_MILLIS = 100
const CONVERSION_INTERVAL_MILLIS = 200

const SLOW_BYTES_PER_SECOND = 20_000
/** Three times as long as a client may take no bytes at all. */
const SLOW_SECONDS = 45

const MAX_GROWTH_MIB = 200
/** CPU time that an attack may cost the server, per second. */
const MAX_CPU_MILLIS_PER_SECOND = 200
/**
 * Latency in addition to the doubled latency of the control server: both servers, both databases and the attack share the
 * cores of this machine, so each request can wait for the time slices of several processes.
 */
const P50_ALLOWANCE_MILLIS = 25
const P99_ALLOWANCE_MILLIS = 150
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
  "pipelined-pages": {
    title: "a connection per second with 100 pipelined requests of /docs, which reads",
    minConnections: 5,
    // Rendering the page for each request took 23 ms.
    maxCpuMillisPerRequest: 3
  },
  "unread-pipelined-pages": {
    title: "a connection per second with 100 pipelined requests of /docs, which never reads",
    minConnections: 5
  },
  "pipelined-unknown-paths": {
    title: "four connections per second with 400 pipelined unknown paths",
    minConnections: 20
  },
  fragments: { title: "40 WebSocket messages of 16 000 one-byte fragments", minConnections: 40 }
}

/** Resident memory of a process. */
const memoryMib = (pid: number | undefined) =>
  Math.round(
    Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024
  )

const CLOCK_TICK_MILLIS = 10

/** CPU time of a process so far, of user and system. */
const cpuMillis = (pid: number | undefined) => {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
  // The fields after the name of the program, which may contain spaces.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  return (Number(fields[11]) + Number(fields[12])) * CLOCK_TICK_MILLIS
}

/** Percentiles of latencies in milliseconds. */
const summarize = (millis: ReadonlyArray<number>) => {
  const sorted = millis.toSorted((a, b) => a - b)
  const at = (fraction: number) => Math.ceil(sorted[Math.ceil(sorted.length * fraction) - 1] ?? 0)
  return { p50: at(0.5), p99: at(0.99) }
}

/** Repeats a request at an interval. Returns the latencies. */
const repeat = Effect.fnUntraced(function* (
  request: Effect.Effect<{ readonly status: number }>,
  intervalMillis: number,
  end: number
) {
  const millis: Array<number> = []
  while (performance.now() < end) {
    const startedAt = performance.now()
    const { status } = yield* request
    assert.strictEqual(status, 200)
    millis.push(performance.now() - startedAt)
    yield* Effect.sleep(intervalMillis)
  }
  return summarize(millis)
})

const convert = (url: string) =>
  Effect.promise(async () => {
    const response = await fetch(`${url}/api/v1/convert`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ amount: "10.00", from_currency: "USD", to_currency: "NGN" })
    })
    await response.text()
    return response
  })

interface Server {
  readonly url: string
  readonly process: { readonly pid?: number | undefined }
}

/** Sends lookups and conversions at a slow, fixed rate. Returns their latency, and the CPU time and memory of the server. */
const observe = Effect.fnUntraced(function* ({ process: { pid }, url }: Server, seconds: number) {
  const startedAt = performance.now()
  const cpuBefore = cpuMillis(pid)
  let maxMemory = memoryMib(pid)
  const sampleMemory = Effect.sync(() => {
    maxMemory = Math.max(maxMemory, memoryMib(pid))
  }).pipe(Effect.delay("100 millis"), Effect.forever)
  const end = startedAt + seconds * 1000
  const latencies = Effect.all(
    {
      lookups: repeat(Effex.get(url, "/api/v1/rates?from=USD&to=NGN"), LOOKUP_INTERVAL_MILLIS, end),
      conversions: repeat(convert(url), CONVERSION_INTERVAL_MILLIS, end)
    },
    { concurrency: "unbounded" }
  )
  const { conversions, lookups } = yield* Effect.raceFirst(latencies, sampleMemory)
  return { lookups, conversions, cpuMillis: cpuMillis(pid) - cpuBefore, maxMemory }
})

/** Number of requests that a server has answered, apart from those of {@link observe}. */
const countAttackRequests = ({ url }: Server) =>
  Effect.map(Effex.get(url, "/metrics"), ({ body }) =>
    Array.from(body.matchAll(/^effex_http_requests_total\{(.*)\} (\d+)$/gm), ([, labels = "", count]) =>
      /route="\/api\/v1\/(rates|convert)"/.test(labels) ? 0 : Number(count)
    ).reduce((sum, count) => sum + count, 0)
  )

type Observation = Effect.Success<ReturnType<typeof observe>>

const describeLatency = ({ conversions, lookups }: Observation) =>
  `lookups p50 ${lookups.p50} ms, p99 ${lookups.p99} ms, conversions ${conversions.p50} and ${conversions.p99} ms`

const assertLatency = (
  attacked: Observation,
  controls: ReadonlyArray<Observation>,
  p99AllowanceMillis: number
) => {
  for (const kind of ["lookups", "conversions"] as const) {
    const highest = (percentile: "p50" | "p99") =>
      Math.max(...controls.map((control) => control[kind][percentile]))
    assert.isAtMost(attacked[kind].p50, 2 * highest("p50") + P50_ALLOWANCE_MILLIS, `p50 of ${kind}`)
    assert.isAtMost(attacked[kind].p99, 2 * highest("p99") + p99AllowanceMillis, `p99 of ${kind}`)
  }
}

const serve = Effect.gen(function* () {
  const { env } = yield* NodeEnvironment.make()
  const server = yield* Effex.serve({ ...env, ...LIMITS })
  // Memory and code that the first requests need do not count as growth.
  yield* Effex.get(server.url, "/docs")
  yield* observe(server, 1)
  return server
})

describe("A client with hostile connections", () => {
  for (const [name, { isBurst, maxCpuMillisPerRequest, minConnections, title }] of Object.entries(ATTACKS)) {
    it.live(`does not slow down others or exhaust memory: ${title}`, () =>
      Effect.gen(function* () {
        const server = yield* serve
        // Is observed at the same time, because other programs may slow down this machine.
        const control = yield* serve
        const idle = yield* observe(server, IDLE_SECONDS)
        const requestsBefore = yield* countAttackRequests(server)
        const { port } = new URL(server.url)
        const hostile = yield* runProgram("nice", ["-n", "19", process.execPath, client, port, name])
        yield* hostile.written(/opened \d+\n/)
        const [attacked, unattacked] = yield* Effect.all(
          [observe(server, ATTACK_SECONDS), observe(control, ATTACK_SECONDS)],
          { concurrency: "unbounded" }
        )
        const requests = (yield* countAttackRequests(server)) - requestsBefore
        const connections = hostile.output().split("opened").length - 1
        const cpu = Math.max(0, attacked.cpuMillis - unattacked.cpuMillis)
        yield* Workload.report(
          [
            `${title}: ${connections} connections, ${requests} requests answered`,
            `during the attack ${describeLatency(attacked)}`,
            `of another server at that time ${describeLatency(unattacked)}`,
            `before ${describeLatency(idle)}`,
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
        assertLatency(attacked, [idle, unattacked], P99_ALLOWANCE_MILLIS + burstMillis)
      }).pipe(Effect.scoped, Effect.provide(Reactivity.layer))
    )
  }
})

describe("A slow client", () => {
  it.live("that reads 20 KB of a page per second keeps its connection", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const { port } = new URL(server.url)
      const socket = yield* Effect.acquireRelease(
        Effect.sync(() => connect(Number(port), "127.0.0.1")),
        (socket) => Effect.sync(() => socket.destroy())
      )
      socket.write("GET /docs HTTP/1.1\r\nhost: localhost\r\n\r\n")
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
