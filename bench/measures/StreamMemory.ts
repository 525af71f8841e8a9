import { Effect, Scope } from "effect"
import * as StreamClients from "../load/StreamClients.ts"
import * as Colours from "../plots/Colours.ts"
import type { Series } from "../plots/Chart.ts"
import type { Figure, Report } from "../Report.ts"
import * as Rounds from "../Rounds.ts"
import * as Memory from "../servers/Memory.ts"
import * as Servers from "../servers/Servers.ts"
import { median, ratioIn, spreadIn } from "../Statistics.ts"

/** At how many open streams the memory is read: so many that what the start has left free does not hide them. */
const COUNTS = [0, 1_000, 2_000, 4_000]

/** Memory of a server at each of the counts, in bytes. */
type Growth = ReadonlyArray<readonly [streams: number, bytes: number]>

const bytesPerStream = (growth: Growth) => {
  const [first, last] = [growth[0], growth.at(-1)]
  return first === undefined || last === undefined ? Number.NaN : (last[1] - first[1]) / last[0]
}

/** What a stream costs while nothing is told. */
export const memory = Effect.gen(function* () {
  const effex = Servers.effex({ ...Servers.collectable, STREAMS_PER_ADDRESS: "off" })
  const rounds = yield* Rounds.inTurns("memory", {
    ws: growth(Servers.peer("fastify", Servers.collectable), "websocket"),
    effex: growth(effex, "websocket"),
    rpc: growth(effex, "rpc")
  })
  type Name = keyof (typeof rounds)[number]
  const figure = (name: Name, server: string): Figure => ({
    work: "idle stream",
    server,
    what: "memory",
    unit: "KiB",
    result: spreadIn(rounds, name, (growth) => bytesPerStream(growth) / 1024)
  })
  const line = (name: Name, server: string): Series => ({
    name: server,
    colour: Colours.of(server),
    points: COUNTS.map((count, n) => [
      count,
      median(rounds.map((round) => (round[name][n]?.[1] ?? Number.NaN) / 2 ** 20))
    ])
  })
  const report: Report = {
    rows: [
      {
        work: "memory per idle stream",
        measure: "against a bare `ws` connection",
        target: { atMost: 1.5 },
        result: ratioIn(rounds, "effex", "ws", bytesPerStream)
      },
      {
        work: "memory per idle stream of RPC",
        measure: "against a bare `ws` connection",
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
      `Memory is resident memory after three full collections that give back what they can (\`gc\` of \`--expose-gc\`, by a signal, on both sides), at ${COUNTS.join(", ")} open streams; per stream it is what has been added at the end, divided by their number.`
    ]
  }
  return report
})

const growth = <E, R>(start: Effect.Effect<Servers.Server, E, R>, protocol: StreamClients.Protocol) =>
  Effect.gen(function* () {
    const server = yield* start
    const scope = yield* Scope.Scope
    let open = 0
    return (yield* Effect.forEach(COUNTS, (count) =>
      Effect.gen(function* () {
        yield* StreamClients.open(server.url, protocol, count - open).pipe(Scope.provide(scope))
        open = count
        return [count, yield* Memory.collected(server)] as const
      })
    )) satisfies Growth
  }).pipe(Effect.scoped)
