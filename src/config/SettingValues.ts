import type { Duration } from "effect"
import type { Margins } from "../domain/conversion/Margins.ts"
import type * as AssetPair from "../domain/money/AssetPair.ts"
import type { CurrencyCode } from "../domain/money/Currency.ts"
import type { RiskRules } from "../domain/risk/RiskRules.ts"
import type { ProviderSelection } from "./ProviderSelection.ts"
import type { DirectValues } from "./SettingGroups.ts"

/** Values of all settings. */
export interface SettingValues extends DirectValues, ProviderSelection {
  /** The pairs of RATE_SOURCES and RATE_DESTINATIONS. `AssetCatalog` has every supported pair. */
  readonly pairs: AssetPair.ConfiguredPairs
  readonly pollSpacing: Duration.Duration
  readonly margins: Margins
  /** If true, conversions, quotes and audit records need no API key. */
  readonly openConversions: boolean
  /** Currency of the total value of a wallet: one of the configured pairs. */
  readonly homeCurrency: CurrencyCode
  /** Decides on deposits and withdrawals. `sandbox` credits money that was never paid. */
  readonly funding: "sandbox" | "manual"
  /** Rules for movements, unless the database overrides them (see `RiskRuleSettings`). */
  readonly riskRules: RiskRules
  readonly sentryEnvironment: string
  /** The text of each setting that the environment sets, by name. `null` for a secret. */
  readonly given: ReadonlyMap<string, string | null>
}
