import { Console, Effect, Layer, Random } from "effect"
import * as FinalChecks from "./FinalChecks.ts"
import { ResponseChecks } from "./ResponseChecks.ts"
import { ConversionModel } from "./ConversionModel.ts"
import * as Faults from "./Faults.ts"
import * as Operations from "./Operations.ts"
import { RateModel } from "./RateModel.ts"
import * as Readers from "./Readers.ts"
import { Report } from "./Report.ts"
import { Harness } from "./Harness.ts"
import * as Mutants from "./Mutants.ts"
import * as Schedule from "./Schedule.ts"

export interface Options {
  readonly seed: number
  readonly minutes: number
  readonly nodes: number
  /** Operations per second of all workers, if no worker is blocked. */
  readonly rate: number
  readonly readers: number
  readonly mutant?: Mutants.MutantName | undefined
}

const WORKERS = 16
const PROGRESS_INTERVAL = "10 seconds"
/** Time that operations continue after the last fault. */
const QUIET_PERIOD = "3 seconds"

/** Runs a soak and returns its results. */
export const run = Effect.fnUntraced(function* (options: Options) {
  const program = options.mutant === undefined ? undefined : yield* Mutants.copy(options.mutant)
  const services = Layer.mergeAll(ResponseChecks.layer, ConversionModel.layer).pipe(
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
  yield* FinalChecks.awaitRecovery
  const operations = yield* Operations.make

  const readers = yield* Readers.start(seed, options.readers)
  const progress = Effect.suspend(() => Console.log(report.progress()))
  yield* Effect.forkScoped(Effect.forever(Effect.delay(progress, PROGRESS_INTERVAL)))
  const workers = Effect.forEach(
    Array.from({ length: WORKERS }, (_, i) => i),
    (i) => work(operations.any, options.rate).pipe(Random.withSeed(`${seed} worker ${i}`)),
    { concurrency: "unbounded", discard: true }
  )
  yield* Effect.raceFirst(workers, Effect.andThen(Faults.play(faults), Effect.sleep(QUIET_PERIOD)))

  yield* Console.log("All faults have ended")
  yield* FinalChecks.awaitRecovery
  report.figure("intents settled after the faults", String(yield* operations.settleRemaining(20_000)))
  yield* operations.checkAccounts
  yield* operations.checkOrders
  yield* operations.checkWallets
  yield* FinalChecks.checkStoredData
  readers.reportFigures()
  yield* FinalChecks.stop
  yield* Console.log(report.tables())
  return { violations: report.violations(), faults: faults.length, tables: report.tables() }
}, Effect.scoped)

/** Runs operations with random pauses in between. */
const work = (any: Effect.Effect<void>, rate: number) => {
  const mean = (WORKERS / rate) * 1000
  const pause = Effect.flatMap(Random.next, (drawn) =>
    Effect.sleep(Math.min(-Math.log(1 - drawn) * mean, mean * 5))
  )
  return Effect.forever(Effect.andThen(pause, any))
}
