import { Effect } from "effect"
import * as StreamClients from "../load/StreamClients.ts"
import { Plan } from "../Plan.ts"
import * as Processes from "../Processes.ts"
import type { Figure, Report } from "../Report.ts"
import * as InterleavedRounds from "../InterleavedRounds.ts"
import * as Servers from "../servers/Servers.ts"
import { ratioIn, spreadIn } from "../Statistics.ts"

/** Time for a server and its clients to warm up. */
const WARM_UP = "2 seconds"

/** Fan-out of a server to its clients. */
interface FanOutResult {
  readonly messagesPerSecond: number
  readonly cpuMicrosPerMessage: number
}

const messagesPerSecond = (result: FanOutResult) => result.messagesPerSecond
const cpuMicrosPerMessage = (result: FanOutResult) => result.cpuMicrosPerMessage

/** Measures the fan-out: every pair changes once per second, and every client receives every change. */
export const streams = Effect.gen(function* () {
  const { clients } = yield* Plan
  const effex = Servers.effex({ POLL_INTERVAL: "1 second", POLL_SPACING: "0 millis" })
  const rounds = yield* InterleavedRounds.interleave("streams", {
    ws: measureFanOut(Servers.peer("fastify", { UPDATES: "on" }), "websocket"),
    effex: measureFanOut(effex, "websocket"),
    rpc: measureFanOut(effex, "rpc")
  })
  const workload = `fan-out over WebSocket, ${clients} clients, 44 updates per second`
  const figures = (name: keyof (typeof rounds)[number], server: string): ReadonlyArray<Figure> => [
    {
      workload: "fan-out",
      server,
      quantity: "messages",
      unit: "/s",
      result: spreadIn(rounds, name, messagesPerSecond)
    },
    {
      workload: "fan-out",
      server,
      quantity: "CPU time per message",
      unit: "µs",
      result: spreadIn(rounds, name, cpuMicrosPerMessage)
    }
  ]
  const report: Report = {
    rows: [
      {
        workload,
        measure: "messages/s relative to a bare `ws` loop",
        target: { atLeast: 0.9 },
        result: ratioIn(rounds, "effex", "ws", messagesPerSecond)
      },
      {
        workload,
        measure: "CPU per message relative to a bare `ws` loop",
        target: { atMost: 1.2 },
        result: ratioIn(rounds, "effex", "ws", cpuMicrosPerMessage)
      },
      {
        workload: `RPC stream, ${clients} subscribers`,
        measure: "messages/s relative to the WebSocket above",
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
      "The CPU time of effex includes the work done once for all clients: polling 44 rates per second, storing them in PostgreSQL and publishing them through Redis. The bare `ws` loop generates its updates."
    ]
  }
  return report
})

/** Starts a server and its clients, and counts the messages during the measurement. */
const measureFanOut = <E, R>(
  server: Effect.Effect<Servers.Server, E, R>,
  protocol: StreamClients.StreamProtocol
) =>
  Effect.gen(function* () {
    const plan = yield* Plan
    const { pid, url } = yield* server
    const clients = yield* StreamClients.open(url, protocol, plan.clients)
    yield* Effect.sleep(WARM_UP)
    const sample = Effect.map(Processes.cpuSeconds(pid), (cpu) => ({
      cpu,
      messages: clients.updates(),
      at: performance.now()
    }))
    const before = yield* sample
    yield* Effect.sleep(`${plan.seconds} seconds`)
    const after = yield* sample
    const messages = after.messages - before.messages
    const result: FanOutResult = {
      messagesPerSecond: (messages / (after.at - before.at)) * 1_000,
      cpuMicrosPerMessage: ((after.cpu - before.cpu) / messages) * 1e6
    }
    return result
  }).pipe(Effect.scoped)
