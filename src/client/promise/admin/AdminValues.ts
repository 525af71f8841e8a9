import type { User } from "../accounts/AccountValues.ts"
import type { Asset } from "../Values.ts"
import type { Funding } from "../wallets/WalletValues.ts"

/** A user, as administrators see it. */
export interface ManagedUser extends User {
  /** Null if the user is not locked. */
  readonly lockedAt: Date | null
}

/** Action of an administrator. */
export interface AdminAction {
  readonly id: string
  readonly at: Date
  /** `user:<id>` of an administrator, the id of an API key, or `cli:<name>`. */
  readonly principal: string
  readonly action: string
  /** Subject of the action, such as the id of a user. */
  readonly subject: string
  readonly reason: string | null
  readonly details: Readonly<Record<string, unknown>>
}

/** A deposit or a withdrawal, as administrators see it. */
export interface ManagedFunding extends Funding {
  readonly walletId: string
  readonly username: string
  readonly provider: "sandbox" | "manual"
  readonly requestedBy: string
  /** The administrator who decided. Null while pending, and if the provider did. */
  readonly settledBy: string | null
}

/** An asset, as operators see it. */
export interface CatalogAsset extends Asset {
  /** Names of the asset at price providers. A provider without an entry uses the code. */
  readonly providerSymbols: Readonly<Record<string, string>>
  readonly exchangeSymbol: string | null
  /** Increments with each change. */
  readonly version: number
  readonly changedAt: Date
  readonly changedBy: string
}

/** A change of an asset. `from` is null for a new one. */
export interface CatalogChange {
  readonly from: CatalogAsset | null
  readonly to: CatalogAsset
}
