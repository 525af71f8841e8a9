import { Effect, Layer, Metric, Schedule } from "effect"
import { monitorEventLoopDelay, performance } from "node:perf_hooks"
import { VERSION } from "../../config/Version.ts"
import * as ProcessMetrics from "./ProcessMetrics.ts"
import { observe, observeCounter } from "./MetricSeries.ts"

/** Interval between two measurements of the event loop. */
const WINDOW = "10 seconds"
/** Sampling interval of Node's delay monitor, which is included in its results. */
const RESOLUTION_MILLIS = 20

const statistics = [
  { percentile: 50, delay: ProcessMetrics.eventLoopDelay.of({ statistic: "p50" }) },
  { percentile: 99, delay: ProcessMetrics.eventLoopDelay.of({ statistic: "p99" }) },
  { percentile: 100, delay: ProcessMetrics.eventLoopDelay.of({ statistic: "max" }) }
]

const measureEventLoop = Effect.gen(function* () {
  const delays = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MILLIS })
      delays.enable()
      return delays
    }),
    (delays) => Effect.sync(() => delays.disable())
  )
  let previous = performance.eventLoopUtilization()
  const measure = Effect.gen(function* () {
    const now = performance.eventLoopUtilization()
    yield* Metric.update(
      ProcessMetrics.eventLoopUtilization,
      performance.eventLoopUtilization(now, previous).utilization
    )
    previous = now
    for (const { delay, percentile } of statistics) {
      const millis = delays.percentile(percentile) / 1e6
      yield* Metric.update(delay, Math.max(0, millis - RESOLUTION_MILLIS) / 1000)
    }
    delays.reset()
  })
  yield* measure.pipe(Effect.delay(WINDOW), Effect.repeat(Schedule.forever), Effect.forkScoped)
})

/** Reports the version, start time, memory, CPU time and event loop delay of this process. */
export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    yield* Metric.update(ProcessMetrics.buildInfo.of({ version: VERSION, node: process.versions.node }), 1)
    yield* Metric.update(ProcessMetrics.startTime, performance.timeOrigin / 1000)
    yield* observe(ProcessMetrics.residentMemory, () => process.memoryUsage.rss())
    yield* observe(ProcessMetrics.heapUsed, () => process.memoryUsage().heapUsed)
    yield* observeCounter(ProcessMetrics.cpuSeconds, () => {
      const { system, user } = process.cpuUsage()
      return (system + user) / 1e6
    })
    yield* measureEventLoop
  })
)
