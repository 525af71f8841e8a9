import type { BigDecimal, DateTime } from "effect"
import type { LedgerAccountId } from "../ledger/LedgerAccount.ts"
import type { AssetCode } from "../money/Asset.ts"
import type { WalletId } from "../wallets/Wallet.ts"

/** Movements that the rules apply to. */
export type RiskKind = "transfer" | "withdrawal" | "conversion" | "order"

/** Facts about a movement, looked up before it is posted. */
export interface MovementFacts {
  readonly kind: RiskKind
  readonly wallet: WalletId
  /** The account that money leaves. */
  readonly account: LedgerAccountId
  readonly asset: AssetCode
  /** Positive. */
  readonly amount: BigDecimal.BigDecimal
  /** In `HOME_CURRENCY` at the latest rate; undefined without a price. */
  readonly value: BigDecimal.BigDecimal | undefined
  /** The other wallet of a transfer. */
  readonly counterparty: WalletId | undefined
  /** Time of the registration of the user. */
  readonly userSince: DateTime.Utc
  /** Start of the first session with the user agent of this one; undefined for an API key. */
  readonly deviceSince: DateTime.Utc | undefined
  /** Failed logins of the account within the past hours; undefined if they were not looked up. */
  readonly failedLogins: number | undefined
}
