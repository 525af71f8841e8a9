import { Effect, Layer, Metric, Schedule } from "effect"
import { monitorEventLoopDelay, performance } from "node:perf_hooks"
import { VERSION } from "../../config/Version.ts"
import * as Metrics from "./Metrics.ts"
import { observe, observeCounter } from "./MetricSeries.ts"

/** How long the event loop is watched before its figures are told. */
const WINDOW = "10 seconds"
/** How often it is looked whether the event loop is late; Node counts this in. */
const RESOLUTION_MILLIS = 20

const statistics = [
  { percentile: 50, delay: Metrics.eventLoopDelay.of({ statistic: "p50" }) },
  { percentile: 99, delay: Metrics.eventLoopDelay.of({ statistic: "p99" }) },
  { percentile: 100, delay: Metrics.eventLoopDelay.of({ statistic: "max" }) }
]

const watchEventLoop = Effect.gen(function* () {
  const delays = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MILLIS })
      delays.enable()
      return delays
    }),
    (delays) => Effect.sync(() => delays.disable())
  )
  let before = performance.eventLoopUtilization()
  const measure = Effect.gen(function* () {
    const now = performance.eventLoopUtilization()
    yield* Metric.update(
      Metrics.eventLoopUtilization,
      performance.eventLoopUtilization(now, before).utilization
    )
    before = now
    for (const { delay, percentile } of statistics) {
      const millis = delays.percentile(percentile) / 1e6
      yield* Metric.update(delay, Math.max(0, millis - RESOLUTION_MILLIS) / 1000)
    }
    delays.reset()
  })
  yield* measure.pipe(Effect.delay(WINDOW), Effect.repeat(Schedule.forever), Effect.forkScoped)
})

/** How this process fares: its version, age, memory, processor time and event loop. */
export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    yield* Metric.update(Metrics.buildInfo.of({ version: VERSION, node: process.versions.node }), 1)
    yield* Metric.update(Metrics.processStart, performance.timeOrigin / 1000)
    yield* observe(Metrics.processMemory, () => process.memoryUsage.rss())
    yield* observe(Metrics.heapUsed, () => process.memoryUsage().heapUsed)
    yield* observeCounter(Metrics.processCpu, () => {
      const { system, user } = process.cpuUsage()
      return (system + user) / 1e6
    })
    yield* watchEventLoop
  })
)
