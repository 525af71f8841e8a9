import { Duration, type LogLevel, Option } from "effect"
import { type Definition, define, defined } from "./SettingDefinition.ts"
import { duration, flag, logLevel, oneOf, optional } from "./SettingParsers.ts"

/** Every setting, in the order in which readers should meet them: that of the modules below. */
export * from "./ServerSettings.ts"
export * from "./ProviderSettings.ts"
export * from "./RateSettings.ts"
export * from "./LimitSettings.ts"

export const all: ReadonlyArray<Omit<Definition<unknown>, "parse" | "fallback">> = defined

export const SHUTDOWN_DELAY = define({
  name: "SHUTDOWN_DELAY",
  fallback: Duration.zero,
  shown: "0 seconds",
  meaning: "how long a node that is told to stop still serves, while `/health/ready` sends callers elsewhere",
  ...duration("0 seconds", "5 minutes")
})

export const LOG_LEVEL = define<LogLevel.LogLevel>({
  name: "LOG_LEVEL",
  fallback: "Info",
  shown: "info",
  meaning: "the least severity that is logged",
  allowed: "trace, debug, info, warn, error, fatal, none",
  parse: logLevel
})

export const LOG_FORMAT = define<"pretty" | "json">({
  name: "LOG_FORMAT",
  fallback: process.stderr.isTTY ? "pretty" : "json",
  shown: "pretty on a terminal, json elsewhere",
  meaning: "how logs are written",
  ...oneOf("pretty", "json")
})

export const NODE_ENV = define({
  name: "NODE_ENV",
  fallback: "development",
  shown: "development",
  meaning: "`production` refuses the sandbox and the embedded database",
  allowed: "a name such as production, development or test",
  parse: Option.some<string>
})

export const ALLOW_EMBEDDED = define({
  name: "ALLOW_EMBEDDED",
  meaning: "`true` lets production run on the sandbox and the embedded database",
  ...flag
})

export const ALLOW_ANONYMOUS_CONVERT = define({
  name: "ALLOW_ANONYMOUS_CONVERT",
  meaning:
    "`true` opens conversions, quotes and the audit to everybody, with Flutterwave's real rates as well",
  ...flag
})

export const AUDIT_SIGNING_KEY = define({
  name: "AUDIT_SIGNING_KEY",
  shown: "none: one is made on the first start, under DATA_DIR",
  meaning: "the Ed25519 private key that signs the audit: the 32 bytes of its seed, in base64",
  allowed: "32 bytes in base64",
  secret: true,
  ...optional(Option.liftPredicate((text: string) => Buffer.from(text, "base64").length === 32))
})
