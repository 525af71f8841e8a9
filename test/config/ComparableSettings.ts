import { BigDecimal, Duration, Effect, Option, Predicate, Redacted, Schema } from "effect"
import { IpNetwork } from "effect/net"
import { Settings } from "../../src/config/Settings.ts"
import * as Decimal from "../../src/domain/money/Decimal.ts"
import { RiskRules } from "../../src/domain/risk/RiskRules.ts"
import type { RateLimit } from "../../src/domain/access/RateLimit.ts"
import * as TestSettings from "../support/TestSettings.ts"

/** Reads the settings from environment variables. Fails if any is invalid. */
export const read = (env: Readonly<Record<string, string>>) =>
  Effect.provide(Settings, TestSettings.layerOnly(env))

/** Converts settings to comparable text and numbers, with secrets unwrapped. Leaves out which of them the environment sets. */
export const comparable = ({
  margins,
  pairs,
  riskRules,
  ...settings
}: Settings["Service"]): Readonly<Record<string, unknown>> => ({
  ...Object.fromEntries(
    Object.entries(settings).flatMap(([name, value]) => (name === "given" ? [] : [[name, show(value)]]))
  ),
  ...flatten("riskRules", encodeRules(riskRules)),
  margin: show(margins.standard),
  margins: Array.from(margins.byPair, ([pair, margin]) => `${pair}=${show(margin)}`).join(","),
  sources: pairs.sources.join(","),
  destinations: pairs.destinations.join(",")
})

const encodeRules = Schema.encodeSync(RiskRules)

/** Names nested values by their path, such as `riskRules.velocity.hour_count`. */
const flatten = (path: string, value: unknown): Readonly<Record<string, unknown>> =>
  Predicate.isObject(value)
    ? Object.assign({}, ...Object.entries(value).map(([name, inner]) => flatten(`${path}.${name}`, inner)))
    : { [path]: value }

const isQuota = (value: unknown): value is RateLimit =>
  Predicate.hasProperty(value, "limit") && Predicate.hasProperty(value, "window")

const show = (value: unknown): unknown => {
  if (Option.isOption(value)) return Option.match(value, { onNone: () => "none", onSome: show })
  if (Redacted.isRedacted(value)) return Redacted.value(value)
  if (Duration.isDuration(value)) return `${Duration.toMillis(value)} millis`
  if (BigDecimal.isBigDecimal(value)) return Decimal.format(value)
  if (isQuota(value)) return `${value.limit} in ${show(value.window)}`
  if (IpNetwork.isIpNetwork(value)) return IpNetwork.format(value)
  return Array.isArray(value) ? value.map(show).join(",") : value
}
