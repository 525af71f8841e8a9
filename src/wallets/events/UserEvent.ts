import type { BigDecimal } from "effect"
import type { SecurityEvent } from "../../domain/accounts/SecurityEvent.ts"
import type { AssetCode } from "../../domain/money/Asset.ts"
import type { Order } from "../../domain/orders/Order.ts"
import type { EventPosition } from "../../domain/wallets/EventPosition.ts"
import type { StatementRow } from "../StatementRow.ts"

/** Balance of one asset of a wallet. */
export interface WalletBalance {
  readonly asset: AssetCode
  readonly balance: BigDecimal.BigDecimal
  /** Sum of the open holds. */
  readonly held: BigDecimal.BigDecimal
  /** Balance minus held. */
  readonly available: BigDecimal.BigDecimal
}

/** All balances. Replaces all earlier ones. */
export interface BalancesSnapshot {
  readonly _tag: "Snapshot"
  readonly balances: ReadonlyArray<WalletBalance>
}

/** A balance, or what is held of it, has changed. */
export interface BalanceChanged {
  readonly _tag: "Balance"
  readonly balance: WalletBalance
}

export interface TransactionPosted {
  readonly _tag: "Transaction"
  readonly row: StatementRow
}

/** An order as it is now, after it was placed or its state has changed. */
export interface OrderChanged {
  readonly _tag: "Order"
  readonly order: Order
}

export interface SecurityEventRecorded {
  readonly _tag: "Security"
  readonly event: SecurityEvent
}

/** Events after `since` were skipped. A snapshot follows. */
export interface Gap {
  readonly _tag: "Gap"
  readonly since: EventPosition
}

/** An event of a user, with the position after it. */
export type UserEvent = (
  | BalancesSnapshot
  | BalanceChanged
  | TransactionPosted
  | OrderChanged
  | SecurityEventRecorded
  | Gap
) & { readonly position: EventPosition }
