import { Layer } from "effect"
import type { SecureRandom } from "effect/crypto"
import { AdminActions } from "../accounts/AdminActions.ts"
import type { Users } from "../accounts/Users.ts"
import type { AttemptLimits } from "../accounts/login/AttemptLimits.ts"
import type { Sessions } from "../accounts/sessions/Sessions.ts"
import type { AssetCatalog } from "../assets/AssetCatalog.ts"
import type { AuditLog } from "../audit/AuditLog.ts"
import type { Settings } from "../config/Settings.ts"
import type { Conversions } from "../conversion/Conversions.ts"
import type { Ledger } from "../ledger/Ledger.ts"
import type { Database } from "../platform/postgres/Database.ts"
import type { Rates } from "../rates/lookup/Rates.ts"
import { Reviews } from "../risk/Reviews.ts"
import { AccountStatements } from "../wallets/AccountStatements.ts"
import { Statement } from "../wallets/Statement.ts"
import { Transfers } from "../wallets/Transfers.ts"
import { Valuation } from "../wallets/Valuation.ts"
import { WalletConversions } from "../wallets/WalletConversions.ts"
import { Wallets } from "../wallets/Wallets.ts"
import { Funding } from "../wallets/funding/Funding.ts"
import { FundingClient } from "../wallets/funding/FundingClient.ts"
import { FundingDecisions } from "../wallets/funding/FundingDecisions.ts"
import { FundingRepo } from "../wallets/funding/FundingRepo.ts"
import { FundingSettlement } from "../wallets/funding/FundingSettlement.ts"
import { FundingSettler } from "../wallets/funding/FundingSettler.ts"
import { type RiskServices, risk } from "./RiskLayers.ts"

/** Decisions of administrators on deposits and withdrawals. */
export const fundingDecisions: Layer.Layer<
  FundingDecisions | FundingSettlement | FundingRepo,
  never,
  SecureRandom.SecureRandom | Database | Ledger | Wallets
> = FundingDecisions.layer.pipe(
  Layer.provideMerge(FundingSettlement.layer),
  Layer.provideMerge(FundingRepo.layer),
  Layer.provide(Reviews.layer),
  Layer.provide(AdminActions.layer)
)

export type WalletServices =
  | AccountStatements
  | RiskServices
  | Funding
  | FundingDecisions
  | FundingSettler
  | Statement
  | Transfers
  | Valuation
  | WalletConversions
  | Wallets

/** Wallets of users: money in and out, transfers between them, conversions, and their statements. */
export const wallets: Layer.Layer<
  WalletServices,
  never,
  | Settings
  | SecureRandom.SecureRandom
  | Database
  | AssetCatalog
  | AuditLog
  | Conversions
  | Rates
  | AttemptLimits
  | Sessions
  | Users
> = Layer.mergeAll(Transfers.layer, WalletConversions.layer, Funding.layer, FundingSettler.layer).pipe(
  Layer.provideMerge(Layer.mergeAll(Statement.layer, AccountStatements.layer, Valuation.layer)),
  Layer.provideMerge(fundingDecisions),
  Layer.provideMerge(Wallets.layer),
  Layer.provideMerge(risk),
  Layer.provide(FundingClient.layer)
)
