import { Effect } from "effect"
import * as Comparison from "../load/Comparison.ts"
import type { LoadResult } from "../load/LoadResult.ts"
import type { RequestKind } from "../load/Requests.ts"
import { Plan } from "../Plan.ts"
import type { Chart, Series } from "../plots/Chart.ts"
import * as Colors from "../plots/Colors.ts"
import type { Report } from "../Report.ts"
import * as Servers from "../servers/Servers.ts"
import { median } from "../Statistics.ts"

const CONNECTIONS = [1, 8, 64, 256]
/** A sweep has many points. Each is measured once, for at most this time. */
const MAX_SECONDS_PER_POINT = 2

/** Measures throughput and response times by number of connections. */
export const concurrency = Effect.gen(function* () {
  const plan = yield* Plan
  const sweeps = Effect.gen(function* () {
    const effex = yield* Servers.effex()
    const fastify = yield* Servers.peer("fastify")
    const raw = yield* Servers.peer("raw")
    return [
      ...(yield* sweep("lookups", { effex, fastify, raw })),
      ...(yield* sweep("conversions", { effex, fastify }))
    ]
  })
  const charts = yield* Effect.provideService(sweeps, Plan, {
    ...plan,
    rounds: 1,
    seconds: Math.min(MAX_SECONDS_PER_POINT, plan.seconds)
  })
  const report: Report = { rows: [], figures: [], charts }
  return report
})

const sweep = Effect.fnUntraced(function* (
  kind: RequestKind,
  servers: Readonly<Record<string, Servers.Server>>
) {
  const points = yield* Effect.forEach(CONNECTIONS, (connections, n) =>
    Effect.map(
      Comparison.compare(`${kind} over ${connections} connections`, kind, servers, {
        connections,
        isWarm: n > 0
      }),
      (rounds) => ({ connections, rounds })
    )
  )
  const line = (server: string, value: (result: LoadResult) => number): Series => ({
    name: server,
    color: Colors.of(server),
    points: points.map(({ connections, rounds }) => [
      connections,
      median(rounds.flatMap(({ [server]: result }) => (result === undefined ? [] : [value(result)])))
    ])
  })
  const names = Object.keys(servers)
  const x = { label: "connections", scale: "log" } as const
  const charts: ReadonlyArray<Chart> = [
    {
      file: `${kind}-throughput`,
      title: `${kind === "lookups" ? "Lookups" : "Conversions"} per second by connections`,
      x,
      y: { label: "requests per second", scale: "linear" },
      series: names.map((name) => line(name, ({ requestsPerSecond }) => requestsPerSecond))
    },
    {
      file: `${kind}-latency`,
      title: `Response time of ${kind} by connections`,
      x,
      y: { label: "milliseconds", scale: "log" },
      series: names.flatMap((name) => [
        { ...line(name, ({ p50 }) => p50), name: `${name}, p50` },
        { ...line(name, ({ p99 }) => p99), name: `${name}, p99`, isDashed: true }
      ])
    }
  ]
  return charts
})
