import { Console, Effect } from "effect"
import * as Clients from "../load/Clients.ts"
import * as Requests from "../load/Requests.ts"
import { Plan } from "../Plan.ts"
import type { Series } from "../plots/Chart.ts"
import * as Colors from "../plots/Colors.ts"
import type { Report } from "../Report.ts"
import * as Servers from "../servers/Servers.ts"

const CLIENTS = [1, 10, 100, 500]
const REQUESTS = [10, 100]
/** Lets V8 compile the hot paths before the measurement. */
const WARM_UP = { clients: 50, requestsEach: 200 }

/** Measures the time until n clients have had all their responses. */
export const clients = Effect.gen(function* () {
  const { pairs } = yield* Plan
  const requests = Requests.ofKind("lookups", pairs)
  const servers = {
    effex: yield* Servers.effex(),
    fastify: yield* Servers.peer("fastify"),
    raw: yield* Servers.peer("raw")
  }
  const series: Array<Series> = []
  for (const [name, { url }] of Object.entries(servers)) {
    yield* Console.log(`clients: ${name}`)
    yield* Clients.measureMillis({ url, requests, ...WARM_UP })
    for (const requestsEach of REQUESTS) {
      const points = yield* Effect.forEach(CLIENTS, (clients) =>
        Effect.map(
          Clients.measureMillis({ url, requests, clients, requestsEach }),
          (millis) => [clients, millis] as const
        )
      )
      series.push({
        name: `${name}, ${requestsEach} each`,
        color: Colors.of(name),
        isDashed: requestsEach === REQUESTS[0],
        points
      })
    }
  }
  const report: Report = {
    rows: [],
    figures: [],
    charts: [
      {
        file: "response-time-by-clients",
        title: "Time until all clients have their responses",
        x: { label: "clients, each sending one lookup after the other", scale: "log" },
        y: { label: "milliseconds", scale: "log" },
        series
      }
    ]
  }
  return report
})
