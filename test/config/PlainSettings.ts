import { BigDecimal, Duration, Effect, Option, Redacted } from "effect"
import { Settings } from "../../src/config/Settings.ts"
import * as Decimal from "../../src/domain/Decimal.ts"
import * as TestSettings from "../support/TestSettings.ts"

/** The settings of an environment, or why it has none. */
export const read = (env: Readonly<Record<string, string>>) =>
  Effect.provide(Settings, TestSettings.layer(env))

/** Settings as texts and numbers that can be compared, secrets laid open. */
export const plain = ({
  margins,
  pairs,
  ...settings
}: Settings["Service"]): Readonly<Record<string, unknown>> => ({
  ...Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, show(value)])),
  margin: show(margins.standard),
  margins: Array.from(margins.byPair, ([pair, margin]) => `${pair}=${show(margin)}`).join(","),
  sources: pairs.sources.join(","),
  destinations: pairs.destinations.join(",")
})

const show = (value: unknown): unknown => {
  if (Option.isOption(value)) return Option.match(value, { onNone: () => "none", onSome: show })
  if (Redacted.isRedacted(value)) return Redacted.value(value)
  if (Duration.isDuration(value)) return `${Duration.toMillis(value)} millis`
  if (BigDecimal.isBigDecimal(value)) return Decimal.format(value)
  return Array.isArray(value) ? value.join(",") : value
}
