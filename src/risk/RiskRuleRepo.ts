import { Context, Effect, Layer } from "effect"
import { RiskRules } from "../domain/risk/RiskRules.ts"
import { Database } from "../platform/postgres/Database.ts"
import * as StoredSetting from "../platform/postgres/StoredSetting.ts"

/** Risk rules in PostgreSQL. */
export class RiskRuleRepo extends Context.Service<RiskRuleRepo, StoredSetting.SettingStore<RiskRules>>()(
  "effex/risk/RiskRuleRepo"
) {
  static readonly layer = Layer.effect(
    RiskRuleRepo,
    Effect.map(Database, (database) => RiskRuleRepo.of(StoredSetting.make(database, "risk", RiskRules)))
  )
}
