import { Effect, Scope } from "effect"
import * as StreamClients from "../load/StreamClients.ts"
import type * as Colours from "../plots/Colours.ts"
import type { Report } from "../Report.ts"
import * as Rounds from "../Rounds.ts"
import * as Memory from "../servers/Memory.ts"
import * as Servers from "../servers/Servers.ts"
import { median, ratioOf, slopeOf, spreadOf } from "../Statistics.ts"

/** At how many open streams the memory is read. The first ones grow what is kept for all that follow. */
const COUNTS = [500, 1_000, 2_000, 4_000]

/** Memory of a server at each of the counts, in bytes. */
type Growth = ReadonlyArray<readonly [streams: number, bytes: number]>

/** What a stream costs while nothing is told. */
export const memory = Effect.gen(function* () {
  const effex = Servers.effex(Servers.collectable)
  const rounds = yield* Rounds.inTurns("memory", {
    ws: growth(Servers.peer("fastify", Servers.collectable), "websocket"),
    effex: growth(effex, "websocket"),
    rpc: growth(effex, "rpc")
  })
  const figure = (server: string, of: (round: (typeof rounds)[number]) => Growth) => ({
    work: "idle stream",
    server,
    what: "memory",
    unit: "KiB",
    result: spreadOf(rounds.map((round) => slopeOf(of(round)) / 1024))
  })
  const line = (name: string, colour: Colours.Colour, of: (round: (typeof rounds)[number]) => Growth) => ({
    name,
    colour,
    points: COUNTS.map((count, n): readonly [number, number] => [
      count,
      median(rounds.map((round) => (of(round)[n]?.[1] ?? Number.NaN) / 2 ** 20))
    ])
  })
  const report: Report = {
    rows: [
      {
        work: "memory per idle stream",
        measure: "against a bare `ws` connection",
        unit: "",
        target: { atMost: 1.5 },
        result: ratioOf(
          rounds,
          ({ effex }) => slopeOf(effex),
          ({ ws }) => slopeOf(ws)
        )
      },
      {
        work: "memory per idle stream of RPC",
        measure: "against a bare `ws` connection",
        unit: "",
        result: ratioOf(
          rounds,
          ({ rpc }) => slopeOf(rpc),
          ({ ws }) => slopeOf(ws)
        )
      }
    ],
    figures: [
      figure("bare ws", ({ ws }) => ws),
      figure("effex, WebSocket", ({ effex }) => effex),
      figure("effex, RPC", ({ rpc }) => rpc)
    ],
    charts: [
      {
        file: "memory-by-streams",
        title: "Resident memory by number of open streams",
        x: { label: "open streams", scale: "linear" },
        y: { label: "MiB", scale: "linear" },
        series: [
          line("bare ws", "fastify", ({ ws }) => ws),
          line("effex, WebSocket", "effex", ({ effex }) => effex),
          { ...line("effex, RPC", "effex", ({ rpc }) => rpc), isDashed: true }
        ]
      }
    ],
    notes: [
      `Memory is resident memory after three full collections (\`--expose-gc\`, by a signal, on both sides), at ${COUNTS.join(", ")} open streams; per stream it is the slope through these.`
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
