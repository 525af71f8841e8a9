import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { ConfigProvider, Duration, Effect, Formatter, Layer, Logger, References } from "effect"
import { Otlp, OtlpSerialization } from "effect/observability"
import { HttpBody } from "effect/http"
import * as OpenTelemetry from "../../config/OpenTelemetrySettings.ts"
import * as Secrets from "../../config/Secrets.ts"
import { Settings } from "../../config/Settings.ts"
import { VERSION } from "../../config/Version.ts"
import * as OtlpClient from "./OtlpClient.ts"
import { type Redact, redactor } from "./Redaction.ts"
import { withReleaseTimeout } from "../ReleaseTimeout.ts"
import * as RequestId from "../RequestId.ts"
import * as TraceSampler from "./TraceSampler.ts"

/** How long a process that ends waits for the collector to take what is left. */
const SHUTDOWN_TIMEOUT = Duration.seconds(3)

/**
 * One object a line: when, how severe, what, in which request or trace, with which annotations, and why. No line holds a
 * secret, whatever it is that was logged.
 */
const jsonLogger = (redact: Redact) =>
  Logger.make<unknown, string>((options) => {
    const { annotations, cause, fiberId, level, message, spans, timestamp } =
      Logger.formatStructured.log(options)
    return redact(
      Formatter.formatJson({
        timestamp,
        level,
        message,
        trace_id: RequestId.traceIdOf(options.fiber),
        request_id: RequestId.ofFiber(options.fiber)?.given,
        annotations,
        cause,
        spans,
        fiberId
      })
    )
  })

/** For people at a terminal. A line that would show a secret, wherever in it, is written plainly and without it. */
const prettyLogger = (redact: Redact) => {
  const pretty = Logger.consolePretty()
  const plain = Logger.withConsoleError(Logger.map(Logger.formatLogFmt, redact))
  return Logger.make<unknown, void>((options) => {
    const line = Logger.formatLogFmt.log(options)
    return redact(line) === line ? pretty.log(options) : plain.log(options)
  })
}

/** Logs as `LOG_LEVEL` and `LOG_FORMAT` say, on standard error: standard output is for what a command prints. */
const logs = Layer.unwrap(
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

/** What holds where nothing else is said: OpenTelemetry sends everything, and Effect would send nothing. */
const defaults = ConfigProvider.fromEnv({
  env: {
    OTEL_SERVICE_NAME: "effex",
    OTEL_TRACES_EXPORTER: "otlp",
    OTEL_METRICS_EXPORTER: "otlp",
    OTEL_LOGS_EXPORTER: "otlp"
  }
})

/** JSON in which no secret is left, whichever error or address brought it in. */
const serialization = Layer.effect(
  OtlpSerialization.OtlpSerialization,
  Effect.map(Secrets.read, (secrets) => {
    const redact = redactor(secrets)
    const body = (data: unknown) => HttpBody.text(redact(JSON.stringify(data)), "application/json")
    return { traces: body, metrics: body, logs: body }
  })
)

/** Traces, metrics and logs over OTLP, where an endpoint is set by OpenTelemetry's own variables. */
const otlp = Layer.unwrap(
  Effect.map(OpenTelemetry.read, ({ sampling, timeoutMillis }) =>
    TraceSampler.layer(sampling).pipe(
      Layer.provideMerge(Otlp.layerFromConfig({ resource: { serviceVersion: VERSION } })),
      Layer.provide(serialization),
      Layer.provide(OtlpClient.layer(Duration.millis(timeoutMillis))),
      Layer.provide(NodeHttpClient.layerUndici),
      Layer.provide(ConfigProvider.layerAdd(defaults)),
      withReleaseTimeout(SHUTDOWN_TIMEOUT)
    )
  )
)

/** What effex tells of itself. */
export const layer = Layer.provideMerge(otlp, logs)
