import { Console, Effect, Layer, Random } from "effect"
import * as FinalChecks from "./FinalChecks.ts"
import { Checks } from "./Checks.ts"
import { ConversionModel } from "./ConversionModel.ts"
import * as Faults from "./Faults.ts"
import * as Operations from "./Operations.ts"
import { RateModel } from "./RateModel.ts"
import * as Readers from "./Readers.ts"
import { Report } from "./Report.ts"
import { Harness } from "./Harness.ts"
import * as Sabotage from "./Sabotage.ts"
import * as Schedule from "./Schedule.ts"

export interface Options {
  readonly seed: number
  readonly minutes: number
  readonly nodes: number
  /** Operations that are begun in a second, by all workers together, where none of them has to wait. */
  readonly rate: number
  readonly readers: number
  readonly broken?: Sabotage.BreakName | undefined
}

const WORKERS = 16
const PROGRESS = "10 seconds"
/** How long operations go on after the last fault. */
const CALM = "3 seconds"

/** Runs a soak from its beginning to its end, and returns the report. */
export const run = Effect.fnUntraced(function* (options: Options) {
  const program = options.broken === undefined ? undefined : yield* Sabotage.copy(options.broken)
  const services = Layer.mergeAll(Checks.layer, ConversionModel.layer).pipe(
    Layer.provideMerge(RateModel.layer),
    Layer.provideMerge(Harness.layer({ seed: options.seed, nodes: options.nodes, program })),
    Layer.provideMerge(Report.layer(options.seed))
  )
  return yield* Effect.provide(soak(options), services)
}, Effect.scoped)

const soak = Effect.fnUntraced(function* (options: Options) {
  const { seed } = options
  const report = yield* Report
  const millis = options.minutes * 60_000
  const faults = yield* Schedule.make({ seed, millis, nodes: options.nodes })
  yield* Console.log(`Soak with seed ${seed}: ${options.minutes} minutes, ${faults.length} faults`)
  yield* FinalChecks.heal
  const operations = yield* Operations.make

  const readers = yield* Readers.start(seed, options.readers)
  const progress = Effect.suspend(() => Console.log(report.progress()))
  yield* Effect.forkScoped(Effect.forever(Effect.delay(progress, PROGRESS)))
  const workers = Effect.forEach(
    Array.from({ length: WORKERS }, (_, i) => i),
    (i) => work(operations.any, options.rate).pipe(Random.withSeed(`${seed} worker ${i}`)),
    { concurrency: "unbounded", discard: true }
  )
  yield* Effect.raceFirst(workers, Effect.andThen(Faults.play(faults), Effect.sleep(CALM)))

  yield* Console.log("The faults are over")
  yield* FinalChecks.heal
  report.figure("retries until the end", String(yield* operations.settleRest(20_000)))
  yield* FinalChecks.examine
  readers.tell()
  yield* FinalChecks.stop
  yield* Console.log(report.tables())
  return { violations: report.violations(), faults: faults.length, tables: report.tables() }
}, Effect.scoped)

/** Does one operation after another, with pauses of random length. */
const work = (any: Effect.Effect<void>, rate: number) => {
  const mean = (WORKERS / rate) * 1000
  const pause = Effect.flatMap(Random.next, (drawn) =>
    Effect.sleep(Math.min(-Math.log(1 - drawn) * mean, mean * 5))
  )
  return Effect.forever(Effect.andThen(pause, any))
}
