import { FAST_SECONDS } from "./Buckets.ts"
import { counter, gaugeBy, histogram } from "./MetricSeries.ts"

const TRANSPORTS = ["websocket", "sse", "rpc"]

export const connections = gaugeBy("effex_stream_connections", "Open stream connections, by transport", {
  transport: TRANSPORTS
})

export const disconnects = counter(
  "effex_stream_disconnects_total",
  "Streams closed by the server because their client stopped reading or missed heartbeats"
)

export const gaps = counter(
  "effex_stream_gaps_total",
  "Times a stream skipped updates and sent a full snapshot instead"
)

export const lag = histogram(
  "effex_stream_lag_seconds",
  "Time that an update waited before it was sent to a client, from its first change",
  FAST_SECONDS
)
