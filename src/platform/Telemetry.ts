import { NodeHttpClient } from "@effect/platform-node"
import { ConfigProvider, Effect, Layer, Logger, References } from "effect"
import { Otlp, OtlpSerialization } from "effect/observability"
import { Settings } from "../config/Settings.ts"

/** Logs as `LOG_LEVEL` and `LOG_FORMAT` say, on standard error: standard output is for what a command prints. */
const logs = Layer.unwrap(
  Effect.gen(function* () {
    const { logFormat, logLevel } = yield* Settings
    const logger =
      logFormat === "pretty" ? Logger.consolePretty() : Logger.withConsoleError(Logger.formatJson)
    return Layer.mergeAll(
      Logger.layer([logger, Logger.tracerLogger]),
      Layer.succeed(Logger.LogToStderr, true),
      Layer.succeed(References.MinimumLogLevel, logLevel)
    )
  })
)

/** What holds where nothing else is said: OpenTelemetry sends everything, and Effect would send nothing. */
const defaults = ConfigProvider.fromEnv({
  env: {
    OTEL_SERVICE_NAME: "effex",
    OTEL_TRACES_EXPORTER: "otlp",
    OTEL_METRICS_EXPORTER: "otlp",
    OTEL_LOGS_EXPORTER: "otlp"
  }
})

/** Traces, metrics and logs over OTLP, where an endpoint is set by OpenTelemetry's own variables. */
const otlp = Otlp.layerFromConfig().pipe(
  Layer.provide([OtlpSerialization.layerJson, NodeHttpClient.layerUndici]),
  Layer.provide(ConfigProvider.layerAdd(defaults))
)

/** What effex tells of itself. */
export const layer = Layer.provideMerge(otlp, logs)
