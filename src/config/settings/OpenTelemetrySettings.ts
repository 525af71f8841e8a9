import { Config, Effect, Option, Predicate } from "effect"
import { type InvalidSetting, InvalidSettings } from "../InvalidSettings.ts"

/** Standard OpenTelemetry variables that effex validates. */
const SIGNALS = ["", "TRACES_", "METRICS_", "LOGS_"]
export const ENDPOINTS = SIGNALS.map((signal) => `OTEL_EXPORTER_OTLP_${signal}ENDPOINT`)
export const HEADERS = SIGNALS.map((signal) => `OTEL_EXPORTER_OTLP_${signal}HEADERS`)
const COMPRESSIONS = SIGNALS.map((signal) => `OTEL_EXPORTER_OTLP_${signal}COMPRESSION`)
const TIMEOUTS = SIGNALS.map((signal) => `OTEL_EXPORTER_OTLP_${signal}TIMEOUT`)

/** Trace sampling: the caller's decision if `parentBased` and there is a caller, otherwise a ratio of all traces. */
export interface Sampling {
  readonly parentBased: boolean
  /** From 0 (none) to 1 (all). */
  readonly ratio: number
}

interface Rule {
  readonly names: ReadonlyArray<string>
  readonly allowed: string
  readonly isSecret?: boolean
  readonly isValid: (text: string) => boolean
}

const isEndpoint = (text: string) => /^https?:\/\//.test(text) && URL.canParse(text)

const isHeaders = (text: string) => {
  try {
    return decodeURIComponent(text)
      .split(",")
      .every((header) => /^[^=]+=/.test(header))
  } catch {
    return false
  }
}

const SAMPLERS = ["always_on", "always_off", "traceidratio"].flatMap((name) => [name, `parentbased_${name}`])
const isRatio = (text: string) => /^(0(\.\d+)?|1(\.0+)?)$/.test(text)

const rules: ReadonlyArray<Rule> = [
  { names: ENDPOINTS, allowed: "http://… or https://…", isSecret: true, isValid: isEndpoint },
  {
    names: HEADERS,
    allowed: "a comma-separated list of name=value, with percent-encoded values",
    isSecret: true,
    isValid: isHeaders
  },
  { names: COMPRESSIONS, allowed: "gzip or none", isValid: (text) => text === "gzip" || text === "none" },
  { names: TIMEOUTS, allowed: "a whole number of milliseconds", isValid: (text) => /^\d{1,9}$/.test(text) },
  {
    names: ["OTEL_TRACES_SAMPLER"],
    allowed: SAMPLERS.join(", "),
    isValid: (text) => SAMPLERS.includes(text)
  },
  { names: ["OTEL_TRACES_SAMPLER_ARG"], allowed: "a ratio from 0 to 1", isValid: isRatio }
]

const textOf = (name: string) =>
  Effect.map(Effect.option(Config.String(name)), Option.filter(Predicate.not((text) => text === "")))

/** Reads the sampling and timeout, and lists every invalid variable. */
export const inspect = Effect.gen(function* () {
  const invalid: Array<typeof InvalidSetting.Type> = []
  for (const { allowed, isSecret, isValid, names } of rules) {
    for (const name of names) {
      const text = yield* textOf(name)
      if (Option.isNone(text) || isValid(text.value)) continue
      invalid.push({ name, found: isSecret ? "<redacted>" : JSON.stringify(text.value), allowed })
    }
  }
  const sampler = Option.getOrElse(yield* textOf("OTEL_TRACES_SAMPLER"), () => "parentbased_always_on")
  const ratio = Option.getOrElse(yield* textOf("OTEL_TRACES_SAMPLER_ARG"), () => "1")
  const timeout = Option.getOrElse(yield* textOf("OTEL_EXPORTER_OTLP_TIMEOUT"), () => "10000")
  const sampling: Sampling = {
    parentBased: sampler.startsWith("parentbased_"),
    ratio: sampler.endsWith("always_off") ? 0 : sampler.endsWith("traceidratio") ? Number(ratio) : 1
  }
  return { invalid, sampling, timeoutMillis: Number(timeout) }
})

/** Reads the sampling and timeout. Fails if any variable is invalid. */
export const read = Effect.gen(function* () {
  const { invalid, ...telemetry } = yield* inspect
  return invalid.length > 0 ? yield* new InvalidSettings({ invalid }) : telemetry
})
