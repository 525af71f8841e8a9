import { Layer } from "effect"
import type { SecureRandom } from "effect/crypto"
import type { SecurityEvents } from "../accounts/SecurityEvents.ts"
import type { AssetCatalog } from "../assets/AssetCatalog.ts"
import type { AuditLog } from "../audit/AuditLog.ts"
import type { Settings } from "../config/Settings.ts"
import type { Conversions } from "../conversion/Conversions.ts"
import type { Ledger } from "../ledger/Ledger.ts"
import * as ChangedOrders from "../orders/ChangedOrders.ts"
import type { SecretFileError } from "../platform/SecretFile.ts"
import type { Database } from "../platform/postgres/Database.ts"
import type { Rates } from "../rates/lookup/Rates.ts"
import { UserEvents } from "../wallets/events/UserEvents.ts"
import { WalletChanges } from "../wallets/events/WalletChanges.ts"
import { type AccessServices, access } from "./AccountLayers.ts"
import { type RedisError, redisOrMemory } from "./RedisOrMemory.ts"
import { type WalletServices, wallets } from "./WalletLayers.ts"

/** The events of users, for the streams of all nodes. */
export const userEvents: Layer.Layer<UserEvents, RedisError, Settings | Database | Ledger | SecurityEvents> =
  UserEvents.layer.pipe(
    Layer.provide(redisOrMemory(WalletChanges.layerRedis, WalletChanges.layerMemory)),
    Layer.provide(ChangedOrders.layer)
  )

export type UserServices = AccessServices | WalletServices | UserEvents

/** Users and API keys, wallets, and the events of users. */
export const users: Layer.Layer<
  UserServices,
  RedisError | SecretFileError,
  Settings | SecureRandom.SecureRandom | Database | AssetCatalog | AuditLog | Conversions | Rates
> = userEvents.pipe(Layer.provideMerge(wallets), Layer.provideMerge(access))
