import { NodeHttpClient } from "@effect/platform-node"
import { Config, Effect, Layer, Logger, Option, References } from "effect"
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

/** Traces, metrics and logs over OTLP, where an endpoint is set by OpenTelemetry's own variables. */
const otlp = Layer.unwrap(
  Effect.gen(function* () {
    const endpoint = yield* Config.option(Config.NonEmptyString("OTEL_EXPORTER_OTLP_ENDPOINT"))
    if (Option.isNone(endpoint)) return Layer.empty
    return Otlp.layerFromConfig({ resource: { serviceName: "effex" } }).pipe(
      Layer.provide([OtlpSerialization.layerJson, NodeHttpClient.layerUndici])
    )
  })
)

/** What effex tells of itself. */
export const layer = Layer.provideMerge(otlp, logs)
