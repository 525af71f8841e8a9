import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { readFileSync } from "node:fs"
import * as Effex from "./Effex.ts"

const LOOKUP_INTERVAL_MILLIS = 100
const CONVERSION_INTERVAL_MILLIS = 200

/**
 * Latency in addition to the doubled latency of the control server: both servers, both databases and the attack share the
 * cores of this machine, so each request can wait for the time slices of several processes.
 */
const P50_ALLOWANCE_MILLIS = 25
const P99_ALLOWANCE_MILLIS = 150

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

/** A server that is observed. */
export interface Server {
  readonly url: string
  readonly process: { readonly pid?: number | undefined }
}

/** Sends lookups and conversions at a slow, fixed rate. Returns their latency, and the CPU time and memory of the server. */
export const observe = Effect.fnUntraced(function* ({ process: { pid }, url }: Server, seconds: number) {
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

/** Latencies of requests, and the CPU time and memory of their server. */
export type Observation = Effect.Success<ReturnType<typeof observe>>

/** Formats latencies. */
export const describeLatency = ({ conversions, lookups }: Observation) =>
  `lookups p50 ${lookups.p50} ms, p99 ${lookups.p99} ms, conversions ${conversions.p50} and ${conversions.p99} ms`

/** Asserts that an attack does not slow others down, compared with servers that are not attacked. */
export const assertLatency = (
  attacked: Observation,
  controls: ReadonlyArray<Observation>,
  extraMillis: { readonly p50?: number; readonly p99?: number } = {}
) => {
  for (const kind of ["lookups", "conversions"] as const) {
    const highest = (percentile: "p50" | "p99") =>
      Math.max(...controls.map((control) => control[kind][percentile]))
    assert.isAtMost(
      attacked[kind].p50,
      2 * highest("p50") + P50_ALLOWANCE_MILLIS + (extraMillis.p50 ?? 0),
      `p50 of ${kind}`
    )
    assert.isAtMost(
      attacked[kind].p99,
      2 * highest("p99") + P99_ALLOWANCE_MILLIS + (extraMillis.p99 ?? 0),
      `p99 of ${kind}`
    )
  }
}
