import { Duration, type LogLevel } from "effect"
import { define } from "../SettingDefinition.ts"
import { duration, flag, logLevel, oneOf, optional } from "../SettingParsers.ts"

/** Settings for shutdown, clocks, logging and the environment. */

export const SHUTDOWN_DELAY = define({
  name: "SHUTDOWN_DELAY",
  defaultValue: Duration.zero,
  defaultText: "0 seconds",
  description:
    "How long a node keeps serving after a stop signal, while `/health/ready` fails so that load balancers remove it",
  ...duration("0 seconds", "5 minutes")
})

export const MAX_CLOCK_SKEW = define({
  name: "MAX_CLOCK_SKEW",
  defaultValue: Duration.hours(2),
  defaultText: "2 hours",
  description:
    "Maximum difference between the clocks of a node and of the database. Beyond it the node is down and refuses polls, conversions and quotes",
  ...duration("1 second", "1 day")
})

export const LOG_LEVEL = define<LogLevel.LogLevel>({
  name: "LOG_LEVEL",
  defaultValue: "Info",
  defaultText: "info",
  description: "Minimum severity of log messages",
  allowed: "trace, debug, info, warn, error, fatal, none",
  parse: logLevel
})

export const LOG_FORMAT = define<"pretty" | "json">({
  name: "LOG_FORMAT",
  defaultValue: process.stderr.isTTY ? "pretty" : "json",
  defaultText: "pretty on a terminal, json otherwise",
  description: "Format of log messages",
  ...oneOf("pretty", "json")
})

const environment = oneOf("production", "development", "test")

export const NODE_ENV = define({
  name: "NODE_ENV",
  defaultText: "production with a real provider, development with the sandbox",
  description: "Environment. If set, `production` rejects the sandbox and the embedded database",
  allowed: environment.allowed,
  ...optional(environment.parse)
})

export const ALLOW_EMBEDDED = define({
  name: "ALLOW_EMBEDDED",
  description: "`true` allows the sandbox and the embedded database in production",
  ...flag
})

export const ALLOW_ANONYMOUS_CONVERT = define({
  name: "ALLOW_ANONYMOUS_CONVERT",
  description:
    "`true` opens conversions, quotes and audit records to callers without an API key. Always open in the sandbox",
  ...flag
})

/** Settings of the process, by the names of their values. */
export const runtimeSettings = {
  /** Time after a stop signal during which requests are still accepted while the readiness check fails. */
  shutdownDelay: SHUTDOWN_DELAY,
  /** Difference between the clocks of a node and of the database beyond which the node refuses writes. */
  maxClockSkew: MAX_CLOCK_SKEW,
  logLevel: LOG_LEVEL,
  logFormat: LOG_FORMAT
}
