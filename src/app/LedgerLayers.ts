import { Layer } from "effect"
import type { SecureRandom } from "effect/crypto"
import { AdminActions } from "../accounts/AdminActions.ts"
import type { Settings } from "../config/Settings.ts"
import { Adjustments } from "../ledger/Adjustments.ts"
import { Ledger } from "../ledger/Ledger.ts"
import { LedgerMaintenance } from "../ledger/LedgerMaintenance.ts"
import { LedgerVerifier } from "../ledger/LedgerVerifier.ts"
import type { Database } from "../platform/postgres/Database.ts"

export type LedgerServices = Adjustments | Ledger | LedgerMaintenance | LedgerVerifier

export const ledgerTools = Layer.mergeAll(
  Adjustments.layer,
  LedgerMaintenance.layer,
  LedgerVerifier.layer
).pipe(Layer.provide(AdminActions.layer))

/** Double-entry accounts, transfers and holds, with their verification and corrections. For commands of operators. */
export const ledger: Layer.Layer<LedgerServices, never, Settings | SecureRandom.SecureRandom | Database> =
  ledgerTools.pipe(Layer.provideMerge(Ledger.layer))
