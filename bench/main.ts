import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Console, Duration, Effect, FileSystem, Layer, Path, Record } from "effect"
import { CliError, Command, Flag } from "effect/cli"
import { Load } from "./load/Load.ts"
import { Machine } from "./Machine.ts"
import { clients } from "./measures/Clients.ts"
import { concurrency } from "./measures/Concurrency.ts"
import { conversions } from "./measures/Conversions.ts"
import { idle } from "./measures/IdleMemory.ts"
import { lookups } from "./measures/Lookups.ts"
import { poll } from "./measures/Poll.ts"
import { start } from "./measures/Start.ts"
import { memory } from "./measures/StreamMemory.ts"
import { streams } from "./measures/Streams.ts"
import { growth } from "./measures/TableGrowth.ts"
import * as Pairs from "./Pairs.ts"
import { Plan } from "./Plan.ts"
import { toSvg } from "./plots/Chart.ts"
import { ProcessFailed } from "./Processes.ts"
import type { Report } from "./Report.ts"
import { Stores } from "./Stores.ts"
import * as Table from "./Table.ts"

/** Everything that is measured, in this order. */
const measures = {
  lookups,
  conversions,
  streams,
  memory,
  poll,
  start,
  idle,
  growth,
  concurrency,
  clients
}

type Name = keyof typeof measures
const names = Record.keys(measures)
const isName = (text: string): text is Name => Record.has(measures as Record<string, unknown>, text)

/** One measure in a scope of its own. What fails is told, and does not stop the others. */
const run = Effect.fnUntraced(function* (name: Name) {
  const found = yield* Effect.result(Effect.scoped(measures[name]))
  if (found._tag === "Success") return { name, report: found.success }
  yield* Console.log(`${name} failed: ${found.failure.message}`)
  return { name, failure: `${name}: ${found.failure.message}` }
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
    `load by ${load.name}; ${plan.rounds} rounds of ${plan.seconds} s in turns, after a warm-up; medians (min – max), ratios within each round`
  ]
  yield* Console.log(description.join("\n"))
  const wanted = names.filter((name) => only.length === 0 || only.includes(name))
  const [took, outcomes] = yield* Effect.timed(Effect.forEach(wanted, run))
  const reports = outcomes.flatMap(({ report }) => (report === undefined ? [] : [report]))
  const failures = outcomes.flatMap(({ failure }) => (failure === undefined ? [] : [failure]))
  const markdown = Table.toMarkdown(
    [...description, `${Math.round(Duration.toSeconds(took))} s in all`],
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

const whole = (name: string, fallback: number, max: number, description: string) =>
  Flag.Int(name).pipe(
    Flag.filter(
      (value) => value >= 1 && value <= max,
      () => `${name} must be a whole number from 1 to ${max}`
    ),
    Flag.withDescription(`${description}; ${fallback} without it`),
    Flag.withDefault(fallback)
  )

const command = Command.make(
  "bench",
  {
    rounds: whole("rounds", 3, 100, "How often everything is measured, in turns"),
    seconds: whole("seconds", 4, 600, "How long one measurement takes"),
    connections: whole("connections", 64, 10_000, "Connections of the load"),
    clients: whole("clients", 1_000, 5_000, "Clients of a stream"),
    pairs: whole("pairs", Pairs.all.length, Pairs.all.length, "How many pairs are asked for"),
    rows: whole("rows", 1_000_000, 100_000_000, "Rows of the large table of rates"),
    only: Flag.String("only").pipe(
      Flag.map((list) => list.split(",")),
      Flag.filter(
        (list) => list.every(isName),
        () => `some of ${names.join(", ")}, separated by commas`
      ),
      Flag.withDescription(`What to measure, of ${names.join(", ")}; all of them without it`),
      Flag.withDefault<ReadonlyArray<string>>([])
    ),
    out: Flag.String("out").pipe(
      Flag.withDescription(
        "The folder for the table, the results as JSON, and the plots; bench/results without it"
      ),
      Flag.withDefault("bench/results")
    )
  },
  ({ only, out, pairs, ...plan }) =>
    measureAll(only, out).pipe(
      Effect.provide(Layer.mergeAll(Load.layer, Stores.layer).pipe(Layer.provideMerge(Machine.layer))),
      Effect.provideService(Plan, { ...plan, pairs: Pairs.all.slice(0, pairs) })
    )
).pipe(Command.withDescription("Measure effex beside what one would write instead"))

NodeRuntime.runMain(
  Command.run(command, { version: "0.1.0" }).pipe(
    Effect.tapError((error) => (CliError.isCliError(error) ? Effect.void : Console.error(error.message))),
    Effect.provide(NodeServices.layer)
  ),
  { disableErrorReporting: true }
)
