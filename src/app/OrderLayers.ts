import { Layer } from "effect"
import type { SecureRandom } from "effect/crypto"
import { AdminActions } from "../accounts/AdminActions.ts"
import type { AssetCatalog } from "../assets/AssetCatalog.ts"
import type { AuditLog } from "../audit/AuditLog.ts"
import type { Settings } from "../config/Settings.ts"
import type { Conversions } from "../conversion/Conversions.ts"
import type { ExchangeClient } from "../exchanges/ExchangeClient.ts"
import type { Ledger } from "../ledger/Ledger.ts"
import { BatchAllocation } from "../orders/settlement/BatchAllocation.ts"
import { BatchExecution } from "../orders/settlement/BatchExecution.ts"
import { BatchRepo } from "../orders/settlement/BatchRepo.ts"
import { Batches } from "../orders/settlement/Batches.ts"
import * as HeldOrders from "../orders/HeldOrders.ts"
import { MarketHours } from "../orders/settlement/MarketHours.ts"
import { OrderAdministration } from "../orders/OrderAdministration.ts"
import { OrderPrices } from "../orders/OrderPrices.ts"
import { OrderRepo } from "../orders/OrderRepo.ts"
import { OrderWaits } from "../orders/OrderWaits.ts"
import { Orders } from "../orders/Orders.ts"
import { ReservationRepo } from "../orders/settlement/ReservationRepo.ts"
import { Settlement } from "../orders/settlement/Settlement.ts"
import { SettlementRepo } from "../orders/settlement/SettlementRepo.ts"
import { SettlementSignal } from "../orders/settlement/SettlementSignal.ts"
import type { Database } from "../platform/postgres/Database.ts"
import type { Rates } from "../rates/lookup/Rates.ts"
import type { HeldOrderDecisions } from "../risk/HeldDecisions.ts"
import { ReviewDecisions } from "../risk/ReviewDecisions.ts"
import { Reviews } from "../risk/Reviews.ts"
import type { RiskFacts } from "../risk/RiskFacts.ts"
import * as HeldConversions from "../wallets/HeldConversions.ts"
import type { Wallets } from "../wallets/Wallets.ts"
import { type RedisError, redisOrMemory } from "./RedisOrMemory.ts"

/** Batches of orders, for administrators. */
export const batches: Layer.Layer<Batches, never, SecureRandom.SecureRandom | Database | SettlementSignal> =
  Batches.layer.pipe(Layer.provide([OrderRepo.layer, BatchRepo.layer, AdminActions.layer]))

/** Orders of all users, for administrators. */
export const orderAdministration: Layer.Layer<
  OrderAdministration,
  never,
  SecureRandom.SecureRandom | Database | Ledger
> = OrderAdministration.layer.pipe(Layer.provide([OrderRepo.layer, AdminActions.layer, Reviews.layer]))

/** Decisions of administrators on movements that are held for review, orders included. */
const reviewDecisions = ReviewDecisions.layer.pipe(
  Layer.provideMerge(HeldOrders.layer),
  Layer.provide([HeldConversions.layer, AdminActions.layer])
)

export type OrderServices =
  | Batches
  | HeldOrderDecisions
  | MarketHours
  | Orders
  | OrderWaits
  | ReviewDecisions
  | Settlement
  | SettlementSignal

/** Orders for crypto and stocks, and their settlement at an exchange. */
export const orders: Layer.Layer<
  OrderServices,
  RedisError,
  | Settings
  | SecureRandom.SecureRandom
  | Database
  | AssetCatalog
  | Rates
  | Ledger
  | RiskFacts
  | Reviews
  | Wallets
  | AuditLog
  | Conversions
  | ExchangeClient
> = Layer.mergeAll(Orders.layer, OrderWaits.layer, Settlement.layer, batches, reviewDecisions).pipe(
  Layer.provide([BatchExecution.layer, BatchAllocation.layer]),
  Layer.provideMerge(MarketHours.layer),
  Layer.provide([OrderRepo.layer, BatchRepo.layer, ReservationRepo.layer, SettlementRepo.layer]),
  Layer.provide(OrderPrices.layer),
  Layer.provideMerge(redisOrMemory(SettlementSignal.layerRedis, SettlementSignal.layerMemory))
)
