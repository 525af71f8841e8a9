import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Console, Duration, Effect, FileSystem, Layer, Path, Record } from "effect"
import { CliError, Command, Flag } from "effect/cli"
import { Load } from "./load/Load.ts"
import { Machine } from "./Machine.ts"
import { clients } from "./measures/Clients.ts"
import { concurrency } from "./measures/Concurrency.ts"
import { conversions } from "./measures/Conversions.ts"
import { idle } from "./measures/IdleMemory.ts"
import { logins } from "./measures/Logins.ts"
import { lookups } from "./measures/Lookups.ts"
import { lookupShapes } from "./measures/LookupShapes.ts"
import { orders } from "./measures/Orders.ts"
import { poll } from "./measures/Poll.ts"
import { start } from "./measures/Start.ts"
import { memory } from "./measures/StreamMemory.ts"
import { streams } from "./measures/Streams.ts"
import { growth } from "./measures/TableGrowth.ts"
import { transfers } from "./measures/Transfers.ts"
import { wallets } from "./measures/Wallets.ts"
import * as Pairs from "./Pairs.ts"
import { Plan } from "./Plan.ts"
import { toSvg } from "./plots/Chart.ts"
import { ProcessFailed } from "./Processes.ts"
import type { Report } from "./Report.ts"
import { Stores } from "./Stores.ts"
import * as Table from "./Table.ts"

/** All measures, in the order in which they run. */
const measures = {
  lookups,
  "lookup-shapes": lookupShapes,
  conversions,
  transfers,
  wallets,
  orders,
  streams,
  memory,
  poll,
  start,
  idle,
  growth,
  logins,
  concurrency,
  clients
}

type Name = keyof typeof measures
const names = Record.keys(measures)
const isName = (text: string): text is Name => Record.has(measures as Record<string, unknown>, text)

/** Runs one measure in its own scope. A failure is logged and does not stop the others. */
const run = Effect.fnUntraced(function* (name: Name) {
  const result = yield* Effect.result(Effect.scoped(measures[name]))
  if (result._tag === "Success") return { name, report: result.success }
  yield* Console.log(`${name} failed: ${result.failure.message}`)
  return { name, failure: `${name}: ${result.failure.message}` }
})

const write = Effect.fnUntraced(function* (
  folder: string,
  markdown: string,
  results: unknown,
  reports: ReadonlyArray<Report>
) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  yield* fs.makeDirectory(folder, { recursive: true })
  yield* fs.writeFileString(path.join(folder, "results.json"), `${JSON.stringify(results, null, 2)}\n`)
  yield* fs.writeFileString(path.join(folder, "results.md"), markdown)
  for (const chart of reports.flatMap(({ charts = [] }) => charts))
    yield* fs.writeFileString(path.join(folder, `${chart.file}.svg`), toSvg(chart))
})

const measureAll = Effect.fnUntraced(function* (only: ReadonlyArray<string>, folder: string) {
  const plan = yield* Plan
  const machine = yield* Machine
  const stores = yield* Stores
  const load = yield* Load
  const description = [
    ...machine.description,
    stores.description,
    `load by ${load.name}; ${plan.rounds} interleaved rounds of ${plan.seconds} s, after a warm-up; medians (min – max), ratios within each round`
  ]
  yield* Console.log(description.join("\n"))
  const selected = names.filter((name) => only.length === 0 || only.includes(name))
  const [elapsed, outcomes] = yield* Effect.timed(Effect.forEach(selected, run))
  const reports = outcomes.flatMap(({ report }) => (report === undefined ? [] : [report]))
  const failures = outcomes.flatMap(({ failure }) => (failure === undefined ? [] : [failure]))
  const markdown = Table.toMarkdown(
    [...description, `${Math.round(Duration.toSeconds(elapsed))} s in total`],
    reports,
    failures
  )
  yield* write(
    folder,
    markdown,
    { measuredAt: new Date().toISOString(), description, plan, outcomes },
    reports
  )
  yield* Console.log(`\n${markdown}`)
  yield* Console.log(`Written to ${folder}`)
  if (failures.length > 0)
    return yield* new ProcessFailed({ program: "bench", detail: `${failures.length} measures failed` })
})

const integerFlag = (name: string, fallback: number, max: number, description: string) =>
  Flag.Int(name).pipe(
    Flag.filter(
      (value) => value >= 1 && value <= max,
      () => `${name} must be a whole number from 1 to ${max}`
    ),
    Flag.withDescription(`${description} (default ${fallback})`),
    Flag.withDefault(fallback)
  )

const command = Command.make(
  "bench",
  {
    rounds: integerFlag("rounds", 3, 100, "Number of interleaved rounds"),
    seconds: integerFlag("seconds", 4, 600, "Seconds per measurement"),
    connections: integerFlag("connections", 64, 10_000, "Concurrent connections of the load"),
    clients: integerFlag("clients", 1_000, 5_000, "Subscribers of a stream"),
    pairs: integerFlag("pairs", Pairs.all.length, Pairs.all.length, "Number of pairs that are requested"),
    rows: integerFlag("rows", 1_000_000, 100_000_000, "Rows of the large rate table"),
    only: Flag.String("only").pipe(
      Flag.map((list) => list.split(",")),
      Flag.filter(
        (list) => list.every(isName),
        () => `only must be a comma-separated list of ${names.join(", ")}`
      ),
      Flag.withDescription(`Comma-separated measures to run: ${names.join(", ")} (default all)`),
      Flag.withDefault<ReadonlyArray<string>>([])
    ),
    out: Flag.String("out").pipe(
      Flag.withDescription(
        "Folder for the table, the results as JSON, and the plots (default bench/results)"
      ),
      Flag.withDefault("bench/results")
    )
  },
  ({ only, out, pairs, ...plan }) =>
    measureAll(only, out).pipe(
      Effect.provide(Layer.mergeAll(Load.layer, Stores.layer).pipe(Layer.provideMerge(Machine.layer))),
      Effect.provideService(Plan, { ...plan, pairs: Pairs.all.slice(0, pairs) })
    )
).pipe(Command.withDescription("Compare effex with typical alternatives"))

NodeRuntime.runMain(
  Command.run(command, { version: "0.1.0" }).pipe(
    Effect.tapError((error) => (CliError.isCliError(error) ? Effect.void : Console.error(error.message))),
    Effect.provide(NodeServices.layer)
  ),
  { disableErrorReporting: true }
)
