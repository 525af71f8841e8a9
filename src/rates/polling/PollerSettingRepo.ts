import { Context, Effect, Layer } from "effect"
import { PollerSetting } from "../../domain/rates/PollerSetting.ts"
import { Database } from "../../platform/postgres/Database.ts"
import * as StoredSettings from "../../platform/postgres/StoredSetting.ts"

/** Stored poller setting. */
export type StoredSetting = StoredSettings.StoredSetting<PollerSetting>

/** Requested change of the poller setting. */
export type SettingChange = StoredSettings.SettingChange<PollerSetting>

/** Poller setting in PostgreSQL. */
export class PollerSettingRepo extends Context.Service<
  PollerSettingRepo,
  StoredSettings.SettingStore<PollerSetting>
>()("effex/rates/polling/PollerSettingRepo") {
  static readonly layer = Layer.effect(
    PollerSettingRepo,
    Effect.map(Database, (database) =>
      PollerSettingRepo.of(StoredSettings.make(database, "poller", PollerSetting))
    )
  )
}
