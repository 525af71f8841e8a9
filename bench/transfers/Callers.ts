import { Config, Console, Effect, Fiber, Schema } from "effect"
import * as PostgresCpu from "./PostgresCpu.ts"

/** Concurrent callers, each of which waits for its transfer before the next one; and the process of PostgreSQL. */
const options = Config.all({
  callers: Config.Int("CALLERS"),
  seconds: Config.Int("SECONDS"),
  postgres: Config.Int("POSTGRES_PID")
})

const WARM_UP_MILLIS = 1_000

/** Throughput and response times in milliseconds of one program. */
export const TransferResult = Schema.Struct({
  transfersPerSecond: Schema.Finite,
  p50: Schema.Finite,
  p99: Schema.Finite,
  /** CPU time of PostgreSQL for each transfer, in microseconds. Unlike the others it hardly depends on other load. */
  databaseMicros: Schema.Finite
})
export type TransferResult = typeof TransferResult.Type

/** Returns throughput and response times of transfers that ended within some seconds. */
export const summarize = (
  millis: ReadonlyArray<number>,
  seconds: number,
  databaseSeconds: number
): TransferResult => {
  const sorted = millis.toSorted((a, b) => a - b)
  const quantile = (fraction: number) => sorted[Math.floor(fraction * sorted.length)] ?? Number.NaN
  return {
    transfersPerSecond: sorted.length / seconds,
    p50: quantile(0.5),
    p99: quantile(0.99),
    databaseMicros: (databaseSeconds / sorted.length) * 1e6
  }
}

/** Transfers with all callers for some seconds, after a warm-up, and prints the {@link TransferResult}. */
export const drive = Effect.fnUntraced(function* <E, R>(transfer: Effect.Effect<void, E, R>) {
  const { callers, postgres, seconds } = yield* options
  const start = performance.now() + WARM_UP_MILLIS
  const end = start + seconds * 1_000
  const cpu = yield* Effect.forkChild(
    Effect.sync(() => PostgresCpu.secondsOf(postgres)).pipe(Effect.delay(WARM_UP_MILLIS))
  )
  const millis: Array<number> = []
  const call = Effect.gen(function* () {
    while (performance.now() < end) {
      const startedAt = performance.now()
      yield* transfer
      const endedAt = performance.now()
      if (startedAt >= start && endedAt <= end) millis.push(endedAt - startedAt)
    }
  })
  yield* Effect.all(
    Array.from({ length: callers }, () => call),
    { concurrency: "unbounded", discard: true }
  )
  const databaseSeconds = PostgresCpu.secondsOf(postgres) - (yield* Fiber.join(cpu))
  yield* Console.log(JSON.stringify(summarize(millis, seconds, databaseSeconds)))
})
