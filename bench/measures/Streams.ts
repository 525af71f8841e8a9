import { Effect } from "effect"
import * as StreamClients from "../load/StreamClients.ts"
import { Plan } from "../Plan.ts"
import * as Processes from "../Processes.ts"
import type { Figure, Report } from "../Report.ts"
import * as Rounds from "../Rounds.ts"
import * as Servers from "../servers/Servers.ts"
import { ratioIn, spreadIn } from "../Statistics.ts"

/** What a server and its clients have to warm up. */
const WARM_UP = "2 seconds"

/** What a server told its clients. */
interface Told {
  readonly messagesPerSecond: number
  readonly cpuMicrosPerMessage: number
}

const messagesPerSecond = (told: Told) => told.messagesPerSecond
const cpuMicrosPerMessage = (told: Told) => told.cpuMicrosPerMessage

/** Every pair changes once a second, and every client is told. */
export const streams = Effect.gen(function* () {
  const { clients } = yield* Plan
  const effex = Servers.effex({ POLL_INTERVAL: "1 second", POLL_SPACING: "0 millis" })
  const rounds = yield* Rounds.inTurns("streams", {
    ws: told(Servers.peer("fastify", { UPDATES: "on" }), "websocket"),
    effex: told(effex, "websocket"),
    rpc: told(effex, "rpc")
  })
  const work = `fan-out over WebSocket, ${clients} clients, 44 updates per second`
  const figures = (name: keyof (typeof rounds)[number], server: string): ReadonlyArray<Figure> => [
    {
      work: "fan-out",
      server,
      what: "messages",
      unit: "/s",
      result: spreadIn(rounds, name, messagesPerSecond)
    },
    {
      work: "fan-out",
      server,
      what: "processor time per message",
      unit: "µs",
      result: spreadIn(rounds, name, cpuMicrosPerMessage)
    }
  ]
  const report: Report = {
    rows: [
      {
        work,
        measure: "messages/s against a bare `ws` loop",
        target: { atLeast: 0.9 },
        result: ratioIn(rounds, "effex", "ws", messagesPerSecond)
      },
      {
        work,
        measure: "CPU per message against a bare `ws` loop",
        target: { atMost: 1.2 },
        result: ratioIn(rounds, "effex", "ws", cpuMicrosPerMessage)
      },
      {
        work: `RPC stream, ${clients} subscribers`,
        measure: "messages/s against the WebSocket above",
        target: { atLeast: 0.5 },
        result: ratioIn(rounds, "rpc", "effex", messagesPerSecond)
      }
    ],
    figures: [
      ...figures("ws", "bare ws"),
      ...figures("effex", "effex, WebSocket"),
      ...figures("rpc", "effex, RPC")
    ],
    notes: [
      "effex's processor time includes what it does once for all clients: polling 44 rates a second, storing them in Postgres, and publishing them through Redis. The bare `ws` loop makes its updates up."
    ]
  }
  return report
})

/** Starts a server and its clients, and counts for as long as the plan says. */
const told = <E, R>(server: Effect.Effect<Servers.Server, E, R>, protocol: StreamClients.Protocol) =>
  Effect.gen(function* () {
    const plan = yield* Plan
    const { pid, url } = yield* server
    const clients = yield* StreamClients.open(url, protocol, plan.clients)
    yield* Effect.sleep(WARM_UP)
    const now = Effect.map(Processes.cpuSeconds(pid), (cpu) => ({
      cpu,
      messages: clients.updates(),
      at: performance.now()
    }))
    const before = yield* now
    yield* Effect.sleep(`${plan.seconds} seconds`)
    const after = yield* now
    const messages = after.messages - before.messages
    const result: Told = {
      messagesPerSecond: (messages / (after.at - before.at)) * 1_000,
      cpuMicrosPerMessage: ((after.cpu - before.cpu) / messages) * 1e6
    }
    return result
  }).pipe(Effect.scoped)
