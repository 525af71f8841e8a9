import { Context, Duration, Effect, Layer, Option } from "effect"
import * as Arr from "effect/Array"
import * as AssetPair from "../domain/money/AssetPair.ts"
import { CurrencyCode } from "../domain/money/Currency.ts"
import { InvalidSetting, InvalidSettings } from "./InvalidSettings.ts"
import * as OpenTelemetry from "./settings/OpenTelemetrySettings.ts"
import * as ProviderSelection from "./ProviderSelection.ts"
import { rulesOf, ruleSettings } from "./SettingDefinitions.ts"
import * as SettingReader from "./SettingReader.ts"
import * as SettingRequirements from "./SettingRequirements.ts"
import { DIRECT, SELECTIONS } from "./SettingGroups.ts"
import type { SettingValues } from "./SettingValues.ts"

export { InvalidSetting, InvalidSettings }

/**
 * The settings, read once at startup. `SettingDefinitions.ts` lists the modules that define their names, defaults and
 * descriptions, from which `effex --help` is generated.
 */
export class Settings extends Context.Service<Settings, SettingValues>()("effex/config/Settings") {
  /** Reads the settings from the `ConfigProvider`, the environment by default. */
  static readonly layer = Layer.effect(
    Settings,
    Effect.suspend(() => read)
  )
}

/** Reads the settings, with the default in place of each invalid one, and lists the invalid ones. */
export const inspect = Effect.gen(function* () {
  const reader = SettingReader.make()
  const selections = yield* reader.readAll(SELECTIONS)
  const values = yield* reader.readAll(DIRECT)
  const rules = yield* reader.readAll(ruleSettings)

  const selected = ProviderSelection.select(selections, values)
  const { sandbox } = selected
  const pairs = AssetPair.configure(selections.sources, selections.destinations)
  const settings: SettingValues = {
    ...values,
    ...selected,
    pairs,
    // The in-process sandbox has no rate limit to respect.
    pollSpacing: Option.getOrElse(selections.pollSpacing, () =>
      sandbox ? Duration.zero : Duration.millis(500)
    ),
    margins: { standard: selections.margin, byPair: selections.margins },
    // Conversions at sandbox rates have no value to protect.
    openConversions: selections.allowAnonymousConvert || sandbox,
    homeCurrency: Option.getOrElse(selections.homeCurrency, () => defaultHome(pairs)),
    funding: Option.getOrElse(selections.funding, () => (sandbox ? "sandbox" : "manual")),
    riskRules: rulesOf(rules),
    sentryEnvironment: Option.getOrElse(selections.sentryEnvironment, () =>
      Option.getOrElse(selections.environment, () => (sandbox ? "development" : "production"))
    ),
    given: reader.given
  }

  // One line for each setting: the first reason is enough to correct it.
  const invalid = Arr.dedupeWith(
    [...reader.invalid, ...SettingRequirements.unmet(selections, settings)],
    (a, b) => a.name === b.name
  )
  const production = Option.match(selections.environment, {
    onNone: () => !sandbox,
    onSome: (environment) => environment === "production"
  })
  return { settings: Settings.of(settings), invalid, production }
})

const USD = CurrencyCode.make("USD")

/** USD if it is configured, otherwise the first currency that is. */
const defaultHome = ({ destinations, sources }: AssetPair.ConfiguredPairs) =>
  sources.includes(USD) || destinations.includes(USD) ? USD : (sources[0] ?? USD)

const read = Effect.gen(function* () {
  const { invalid: ofEffex, settings } = yield* inspect
  // Read by the telemetry, but reported together: one start names every invalid setting.
  const { invalid: ofTelemetry } = yield* OpenTelemetry.inspect
  const invalid = [...ofEffex, ...ofTelemetry]
  return invalid.length > 0 ? yield* new InvalidSettings({ invalid }) : settings
})
