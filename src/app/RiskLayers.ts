import { Layer } from "effect"
import type { SecureRandom } from "effect/crypto"
import type { Users } from "../accounts/Users.ts"
import type { AttemptLimits } from "../accounts/login/AttemptLimits.ts"
import type { Sessions } from "../accounts/sessions/Sessions.ts"
import type { AssetCatalog } from "../assets/AssetCatalog.ts"
import type { Settings } from "../config/Settings.ts"
import { Ledger } from "../ledger/Ledger.ts"
import type { Database } from "../platform/postgres/Database.ts"
import type { Rates } from "../rates/lookup/Rates.ts"
import { Reviews } from "../risk/Reviews.ts"
import { RiskFacts } from "../risk/RiskFacts.ts"
import * as RiskGate from "../risk/RiskGate.ts"
import { RiskRuleSettings } from "../risk/RiskRuleSettings.ts"
import { type LedgerServices, ledgerTools } from "./LedgerLayers.ts"

export type RiskServices = LedgerServices | Reviews | RiskFacts | RiskRuleSettings

/** The ledger with the rules that movements of users must pass. */
export const risk: Layer.Layer<
  RiskServices,
  never,
  Settings | SecureRandom.SecureRandom | Database | AssetCatalog | Rates | AttemptLimits | Sessions | Users
> = Layer.mergeAll(ledgerTools, RiskFacts.layer, Reviews.layer).pipe(
  Layer.provideMerge(Ledger.layerGated.pipe(Layer.provide(RiskGate.layer))),
  Layer.provideMerge(RiskRuleSettings.layer)
)
