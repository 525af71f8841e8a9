import { Context } from "effect"
import type { Effect } from "effect"
import type { Order } from "../../domain/orders/Order.ts"
import type { WalletId } from "../../domain/wallets/Wallet.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"

/** An order as it is now. Each change of its state has the next version. */
export interface ChangedOrder {
  readonly order: Order
  readonly version: number
}

/** Changes of the orders of wallets. Only the interface: orders depend on wallets, and implement it. */
export class OrderChanges extends Context.Service<
  OrderChanges,
  {
    /** Time of the last change of an order of a wallet, in epoch milliseconds; 0 without orders. */
    readonly lastChange: (wallet: WalletId) => Effect.Effect<number, StoreUnavailable>
    /** At most `limit` orders of a wallet that changed after a time in epoch milliseconds, earliest change first. */
    readonly after: (
      wallet: WalletId,
      time: number,
      limit: number
    ) => Effect.Effect<ReadonlyArray<ChangedOrder>, StoreUnavailable>
    /** Returns a text per wallet that changes with its orders. None for a wallet whose orders did not change lately. */
    readonly fingerprints: (
      wallets: ReadonlyArray<WalletId>
    ) => Effect.Effect<ReadonlyMap<WalletId, string>, StoreUnavailable>
  }
>()("effex/wallets/events/OrderChanges") {}
