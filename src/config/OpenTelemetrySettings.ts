import { Config, Effect, Option, Predicate } from "effect"
import { type Fault, InvalidSettings } from "./Settings.ts"

/** OpenTelemetry's own variables, as far as a wrong value could not be used. */
const SIGNALS = ["", "TRACES_", "METRICS_", "LOGS_"]
export const ENDPOINTS = SIGNALS.map((signal) => `OTEL_EXPORTER_OTLP_${signal}ENDPOINT`)
export const HEADERS = SIGNALS.map((signal) => `OTEL_EXPORTER_OTLP_${signal}HEADERS`)
const COMPRESSIONS = SIGNALS.map((signal) => `OTEL_EXPORTER_OTLP_${signal}COMPRESSION`)
const TIMEOUTS = SIGNALS.map((signal) => `OTEL_EXPORTER_OTLP_${signal}TIMEOUT`)

/** Which traces are sent: those whose caller sends its part, and where there is no caller, a part of all. */
export interface Sampling {
  readonly parentBased: boolean
  /** From 0, none, to 1, all. */
  readonly ratio: number
}

interface Rule {
  readonly names: ReadonlyArray<string>
  readonly allowed: string
  readonly secret?: boolean
  readonly takes: (text: string) => boolean
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
  { names: ENDPOINTS, allowed: "http://… or https://…", secret: true, takes: isEndpoint },
  {
    names: HEADERS,
    allowed: "name=value, separated by commas, values percent-encoded",
    secret: true,
    takes: isHeaders
  },
  { names: COMPRESSIONS, allowed: "gzip or none", takes: (text) => text === "gzip" || text === "none" },
  { names: TIMEOUTS, allowed: "a whole number of milliseconds", takes: (text) => /^\d{1,9}$/.test(text) },
  { names: ["OTEL_TRACES_SAMPLER"], allowed: SAMPLERS.join(", "), takes: (text) => SAMPLERS.includes(text) },
  { names: ["OTEL_TRACES_SAMPLER_ARG"], allowed: "a part of all traces, from 0 to 1", takes: isRatio }
]

const textOf = (name: string) =>
  Effect.map(Effect.option(Config.String(name)), Option.filter(Predicate.not((text) => text === "")))

/** How traces are sampled, as far as it can be told, and every variable that cannot be used. */
export const inspect = Effect.gen(function* () {
  const faults: Array<typeof Fault.Type> = []
  for (const { allowed, names, secret, takes } of rules) {
    for (const name of names) {
      const text = yield* textOf(name)
      if (Option.isNone(text) || takes(text.value)) continue
      faults.push({ name, found: secret ? "<redacted>" : JSON.stringify(text.value), allowed })
    }
  }
  const sampler = Option.getOrElse(yield* textOf("OTEL_TRACES_SAMPLER"), () => "parentbased_always_on")
  const part = Option.getOrElse(yield* textOf("OTEL_TRACES_SAMPLER_ARG"), () => "1")
  const timeout = Option.getOrElse(yield* textOf("OTEL_EXPORTER_OTLP_TIMEOUT"), () => "10000")
  const sampling: Sampling = {
    parentBased: sampler.startsWith("parentbased_"),
    ratio: sampler.endsWith("always_off") ? 0 : sampler.endsWith("traceidratio") ? Number(part) : 1
  }
  return { faults, sampling, timeoutMillis: Number(timeout) }
})

/** As {@link inspect}; fails with every variable that cannot be used. */
export const read = Effect.gen(function* () {
  const { faults, ...telemetry } = yield* inspect
  return faults.length > 0 ? yield* new InvalidSettings({ faults }) : telemetry
})
