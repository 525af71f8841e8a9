import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Console, DateTime, Effect, FileSystem, Option, Random } from "effect"
import { Command, Flag } from "effect/cli"
import * as ServerAddress from "../arguments/ServerAddress.ts"
import { commandError } from "../CommandError.ts"
import * as ProgressBar from "../view/ProgressBar.ts"
import { isTerminal } from "../view/RateBoardView.ts"
import * as Table from "../view/Table.ts"
import { number } from "./LineChart.ts"
import * as LoadClient from "./LoadClient.ts"
import * as LoadReport from "./LoadReport.ts"
import * as LoadUsers from "./LoadUsers.ts"
import * as Mix from "./Mix.ts"
import * as OpenLoop from "./OpenLoop.ts"
import * as Operations from "./Operations.ts"
import { countUnexpected, groupFailures, type Sample } from "./Samples.ts"

const atLeast = (minimum: number) => (value: number) => value >= minimum

const flags = {
  url: ServerAddress.url,
  clients: Flag.Int("clients").pipe(
    Flag.withDescription("Users, who are registered for the run. One address can register 20 an hour"),
    Flag.filter(atLeast(2), () => "it must be at least 2"),
    Flag.withDefault(10)
  ),
  requests: Flag.Int("requests").pipe(
    Flag.withDescription("Requests of each client"),
    Flag.filter(atLeast(1), () => "it must be at least 1"),
    Flag.withDefault(300)
  ),
  rate: Flag.Finite("rate").pipe(
    Flag.withDescription("Requests per second of all clients together"),
    Flag.filter(atLeast(0.1), () => "it must be at least 0.1"),
    Flag.withDefault(50)
  ),
  mix: Flag.String("mix").pipe(
    Flag.withDescription("How many of each operation, relative to each other"),
    Flag.filterMap(Mix.parse, () => `expected operations and weights, such as ${Mix.DEFAULT_MIX}`),
    Flag.withDefault(Option.getOrThrow(Mix.parse(Mix.DEFAULT_MIX)))
  ),
  report: Flag.String("report").pipe(
    Flag.withDescription("HTML file to write"),
    Flag.withDefault("load-report.html")
  ),
  seed: Flag.String("seed").pipe(
    Flag.withDescription("Seed of the order of the operations"),
    Flag.withDefault("effex")
  )
}

/** Shows the progress of a run: a bar on a terminal, else a line per tenth. */
const makeProgress = Effect.gen(function* () {
  const bar = yield* ProgressBar.make
  let printed = -1
  const show = (done: number, total: number, label: string) => {
    const part = done / total
    if (isTerminal) return bar.draw(part, label)
    const tenth = Math.floor(part * 10)
    if (tenth === printed) return Effect.void
    printed = tenth
    return Console.log(label)
  }
  return { show, clear: isTerminal ? bar.clear : Effect.void }
})

const runLabel = (samples: ReadonlyArray<Sample>, total: number) => {
  const failed = samples.reduce((count, { failure }) => (failure === undefined ? count : count + 1), 0)
  return `${number(samples.length)} of ${number(total)} requests, ${number(failed)} failed`
}

/** `effex load`: measures a running server. */
export const command = Command.make(
  "load",
  flags,
  Effect.fn(
    function* ({ clients, mix, rate, report, requests, seed, ...input }) {
      const url = yield* ServerAddress.resolve(input.url)
      const fs = yield* FileSystem.FileSystem
      const client = yield* LoadClient.make(url)
      const { clear, show } = yield* makeProgress
      const users = yield* LoadUsers.createAll(client, clients, (done) =>
        show(done, clients, `${done} of ${clients} users registered`)
      )
      if (users.length < clients)
        yield* Console.log(`The server let ${users.length} users register; they send all requests`)
      const { hasAssets, perform } = yield* Operations.make(client, users)
      if (!hasAssets && mix.some(([operation, weight]) => operation === "order" && weight > 0))
        return yield* commandError("The server has no tradable asset; leave order out of --mix")

      const total = users.length * requests
      const startedAt = DateTime.toDateUtc(yield* DateTime.now)
      const { samples, seconds } = yield* OpenLoop.run({
        requests: total,
        rate,
        pick: (place) => Mix.pick(mix, place),
        perform: (operation, index) => {
          const user = users[index % users.length]
          return user === undefined ? Effect.die("there are no users") : perform[operation](user)
        },
        onProgress: (samples) => show(samples.length, total, runLabel(samples, total))
      }).pipe(Random.withSeed(seed))
      yield* clear

      const result = { url, startedAt, clients: users.length, rate, seconds, samples }
      yield* Console.log(Table.renderRows(LoadReport.rowsOf(result)))
      for (const { count, example, operation, reason } of groupFailures(samples))
        yield* Console.log(`${number(count)} × ${operation}: ${reason} (${example})`)
      yield* Effect.mapError(fs.writeFileString(report, LoadReport.toHtml(result)), ({ reason }) =>
        commandError(`${report} cannot be written (${reason._tag})`)
      )
      yield* Console.log(`Latencies are in milliseconds. Plots: ${report}`)
      const unexpected = countUnexpected(samples)
      if (unexpected > 0)
        return yield* commandError(
          `${number(unexpected)} of ${number(total)} requests failed, without those that a limit of the server refused`
        )
    },
    Effect.scoped,
    Effect.provide(NodeHttpClient.layerUndici)
  )
).pipe(
  Command.withDescription(
    "Measure a running sandbox with a mix of requests at a fixed rate, and write a report with plots. Exits with 1 if requests failed, other than by limits of the server"
  ),
  Command.withExamples([
    { command: "effex load", description: "3 000 requests in a minute, to HOST and PORT" },
    {
      command: "effex load --url http://127.0.0.1:9000 --clients 20 --requests 1500 --rate 100",
      description: "30 000 requests in five minutes"
    },
    { command: "effex load --mix lookup=90,conversion=10", description: "Lookups and conversions only" }
  ])
)
