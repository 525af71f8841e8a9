import { Effect, Scope } from "effect"
import * as StreamClients from "../load/StreamClients.ts"
import * as Colors from "../plots/Colors.ts"
import type { Series } from "../plots/Chart.ts"
import type { Figure, Report } from "../Report.ts"
import * as InterleavedRounds from "../InterleavedRounds.ts"
import * as Memory from "../servers/Memory.ts"
import * as Servers from "../servers/Servers.ts"
import { median, ratioIn, spreadIn } from "../Statistics.ts"

/** Numbers of open streams: enough to exceed the free heap that the start leaves. */
const STREAM_COUNTS = [0, 1_000, 2_000, 4_000]

/** Memory of a server at each number of streams, in bytes. */
type Growth = ReadonlyArray<readonly [streams: number, bytes: number]>

const bytesPerStream = (growth: Growth) => {
  const [first, last] = [growth[0], growth.at(-1)]
  return first === undefined || last === undefined ? Number.NaN : (last[1] - first[1]) / last[0]
}

/** Measures the memory of an idle stream. */
export const memory = Effect.gen(function* () {
  const effex = Servers.effex({ ...Servers.collectable, STREAMS_PER_ADDRESS: "off" })
  const rounds = yield* InterleavedRounds.interleave("memory", {
    ws: measureGrowth(Servers.peer("fastify", Servers.collectable), "websocket"),
    effex: measureGrowth(effex, "websocket"),
    rpc: measureGrowth(effex, "rpc")
  })
  type Name = keyof (typeof rounds)[number]
  const figure = (name: Name, server: string): Figure => ({
    workload: "idle stream",
    server,
    quantity: "memory",
    unit: "KiB",
    result: spreadIn(rounds, name, (growth) => bytesPerStream(growth) / 1024)
  })
  const line = (name: Name, server: string): Series => ({
    name: server,
    color: Colors.of(server),
    points: STREAM_COUNTS.map((count, n) => [
      count,
      median(rounds.map((round) => (round[name][n]?.[1] ?? Number.NaN) / 2 ** 20))
    ])
  })
  const report: Report = {
    rows: [
      {
        workload: "memory per idle stream",
        measure: "relative to a bare `ws` connection",
        target: { atMost: 1.5 },
        result: ratioIn(rounds, "effex", "ws", bytesPerStream)
      },
      {
        workload: "memory per idle RPC stream",
        measure: "relative to a bare `ws` connection",
        result: ratioIn(rounds, "rpc", "ws", bytesPerStream)
      }
    ],
    figures: [figure("ws", "bare ws"), figure("effex", "effex, WebSocket"), figure("rpc", "effex, RPC")],
    charts: [
      {
        file: "memory-by-streams",
        title: "Resident memory by number of open streams",
        x: { label: "open streams", scale: "linear" },
        y: { label: "MiB", scale: "linear" },
        series: [
          line("ws", "bare ws"),
          line("effex", "effex, WebSocket"),
          { ...line("rpc", "effex, RPC"), isDashed: true }
        ]
      }
    ],
    notes: [
      `Memory is resident memory after three full garbage collections (\`gc\` of \`--expose-gc\`, triggered by a signal in both servers), at ${STREAM_COUNTS.join(", ")} open streams. Memory per stream is the increase from the first to the last, divided by the number of streams.`
    ]
  }
  return report
})

const measureGrowth = <E, R>(
  start: Effect.Effect<Servers.Server, E, R>,
  protocol: StreamClients.StreamProtocol
) =>
  Effect.gen(function* () {
    const server = yield* start
    const scope = yield* Scope.Scope
    let open = 0
    return (yield* Effect.forEach(STREAM_COUNTS, (count) =>
      Effect.gen(function* () {
        yield* StreamClients.open(server.url, protocol, count - open).pipe(Scope.provide(scope))
        open = count
        return [count, yield* Memory.afterCollection(server)] as const
      })
    )) satisfies Growth
  }).pipe(Effect.scoped)
