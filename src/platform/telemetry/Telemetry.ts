import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { ConfigProvider, Duration, Effect, Formatter, Layer, Logger, References } from "effect"
import { Otlp, OtlpSerialization } from "effect/observability"
import { HttpBody } from "effect/http"
import * as OpenTelemetry from "../../config/settings/OpenTelemetrySettings.ts"
import * as Secrets from "../../config/Secrets.ts"
import { Settings } from "../../config/Settings.ts"
import { VERSION } from "../../config/Version.ts"
import * as ErrorReports from "./errors/ErrorReports.ts"
import * as OtlpClient from "./OtlpClient.ts"
import { type Redact, redactor } from "./Redaction.ts"
import { withReleaseTimeout } from "../ReleaseTimeout.ts"
import * as RequestId from "../RequestId.ts"
import * as TraceSampler from "./TraceSampler.ts"

/** Maximum wait at shutdown for the collector to accept the last exports. */
const SHUTDOWN_TIMEOUT = Duration.seconds(3)

/**
 * Logs one JSON object per line. `message` is always a string, so that log systems can index it; other logged values are in
 * `details`. Secrets are redacted from the whole line, wherever they come from.
 */
const jsonLogger = (redact: Redact) =>
  Logger.make<unknown, string>((options) => {
    const { annotations, cause, fiberId, level, message, spans, timestamp } =
      Logger.formatStructured.log(options)
    return redact(
      Formatter.formatJson({
        timestamp,
        level,
        ...splitMessage(message),
        trace_id: RequestId.fiberTraceId(options.fiber),
        request_id: RequestId.fiberRequestId(options.fiber)?.fromClient,
        annotations,
        cause,
        spans,
        fiberId
      })
    )
  })

const splitMessage = (
  message: unknown
): { readonly message: string; readonly details?: ReadonlyArray<unknown> } => {
  const parts: ReadonlyArray<unknown> = Array.isArray(message) ? message : [message]
  const [first, ...others] = parts
  if (typeof first !== "string") return { message: Formatter.formatJson(parts), details: parts }
  return others.length === 0 ? { message: first } : { message: first, details: others }
}

/** Logs in color for a terminal. A line that contains a secret is written redacted, without color. */
const prettyLogger = (redact: Redact) => {
  const pretty = Logger.consolePretty()
  const plain = Logger.withConsoleError(Logger.map(Logger.formatLogFmt, redact))
  return Logger.make<unknown, void>((options) => {
    const line = Logger.formatLogFmt.log(options)
    return redact(line) === line ? pretty.log(options) : plain.log(options)
  })
}

/** Logs to standard error, by `LOG_LEVEL` and `LOG_FORMAT`. Standard output is for the output of commands. */
const layerLogs = Layer.unwrap(
  Effect.gen(function* () {
    const { logFormat, logLevel } = yield* Settings
    const redact = redactor(yield* Secrets.read)
    const logger = logFormat === "pretty" ? prettyLogger(redact) : Logger.withConsoleError(jsonLogger(redact))
    return Layer.mergeAll(
      Logger.layer([logger, Logger.tracerLogger]),
      Layer.succeed(Logger.LogToStderr, true),
      Layer.succeed(References.MinimumLogLevel, logLevel)
    )
  })
)

/** Defaults of the OpenTelemetry specification, which exports everything. Effect would export nothing. */
const layerDefaults = ConfigProvider.layerAdd(
  ConfigProvider.fromEnv({
    env: {
      OTEL_SERVICE_NAME: "effex",
      OTEL_TRACES_EXPORTER: "otlp",
      OTEL_METRICS_EXPORTER: "otlp",
      OTEL_LOGS_EXPORTER: "otlp"
    }
  })
)

/** Serializes exports as JSON and redacts all secrets. */
const layerSerialization = Layer.effect(
  OtlpSerialization.OtlpSerialization,
  Effect.map(Secrets.read, (secrets) => {
    const redact = redactor(secrets)
    const body = (data: unknown) => HttpBody.text(redact(JSON.stringify(data)), "application/json")
    return { traces: body, metrics: body, logs: body }
  })
)

/** Exports traces, metrics and logs over OTLP when an endpoint is set in OpenTelemetry's environment variables. */
const layerOtlp = Layer.unwrap(
  Effect.map(OpenTelemetry.read, ({ sampling, timeoutMillis }) =>
    TraceSampler.layer(sampling).pipe(
      Layer.provideMerge(Otlp.layerFromConfig({ resource: { serviceVersion: VERSION } })),
      Layer.provide(layerSerialization),
      Layer.provide(OtlpClient.layer(Duration.millis(timeoutMillis))),
      Layer.provide(NodeHttpClient.layerUndici),
      Layer.provide(layerDefaults),
      withReleaseTimeout(SHUTDOWN_TIMEOUT)
    )
  )
)

/** Logs, the OTLP export of traces, metrics and logs, and error reports. */
export const layer = ErrorReports.layer.pipe(Layer.provideMerge(layerOtlp), Layer.provideMerge(layerLogs))
