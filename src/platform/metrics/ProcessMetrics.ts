import { counter, gauge, gaugeBy } from "./MetricSeries.ts"

export const buildInfo = gaugeBy("effex_build_info", "Always 1; labels hold the versions of effex and Node", {
  version: [],
  node: []
})

// Named as in the official Prometheus client libraries.

export const startTime = gauge(
  "process_start_time_seconds",
  "Start time of the process since unix epoch in seconds"
)

export const cpuSeconds = counter(
  "process_cpu_seconds_total",
  "Total user and system CPU time spent in seconds"
)

export const residentMemory = gauge("process_resident_memory_bytes", "Resident memory size in bytes")

export const heapUsed = gauge("nodejs_heap_size_used_bytes", "Used size of the JavaScript heap in bytes")

export const eventLoopUtilization = gauge(
  "nodejs_eventloop_utilization_ratio",
  "Share of the last 10 seconds in which the event loop was busy, from 0 to 1"
)

export const eventLoopDelay = gaugeBy(
  "nodejs_eventloop_delay_seconds",
  "Event loop delay in the last 10 seconds, by statistic",
  { statistic: ["p50", "p99", "max"] }
)
