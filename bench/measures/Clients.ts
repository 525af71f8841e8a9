import { Console, Effect } from "effect"
import * as Clients from "../load/Clients.ts"
import * as Requests from "../load/Requests.ts"
import { Plan } from "../Plan.ts"
import type { Series } from "../plots/Chart.ts"
import * as Colours from "../plots/Colours.ts"
import type { Report } from "../Report.ts"
import * as Servers from "../servers/Servers.ts"

const CLIENTS = [1, 10, 100, 500]
const REQUESTS = [10, 100]
/** Before anything is timed, so that V8 has compiled what is hot. */
const WARM_UP = { clients: 50, requestsEach: 200 }

/** How long n clients wait until each of them has had m answers, one after the other. */
export const clients = Effect.gen(function* () {
  const { pairs } = yield* Plan
  const requests = Requests.of("lookups", pairs)
  const servers = {
    effex: yield* Servers.effex(),
    fastify: yield* Servers.peer("fastify"),
    raw: yield* Servers.peer("raw")
  }
  const series: Array<Series> = []
  for (const [name, { url }] of Object.entries(servers)) {
    yield* Console.log(`clients: ${name}`)
    yield* Clients.complete({ url, requests, ...WARM_UP })
    for (const requestsEach of REQUESTS) {
      const points = yield* Effect.forEach(CLIENTS, (clients) =>
        Effect.map(
          Clients.complete({ url, requests, clients, requestsEach }),
          (millis) => [clients, millis] as const
        )
      )
      series.push({
        name: `${name}, ${requestsEach} each`,
        colour: Colours.of(name),
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
        title: "Time until n clients have had all their answers",
        x: { label: "clients, each asking one lookup after the other", scale: "log" },
        y: { label: "milliseconds", scale: "log" },
        series
      }
    ]
  }
  return report
})
