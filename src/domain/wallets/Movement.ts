import { type BigDecimal, Schema } from "effect"
import type { AssetCode } from "../money/Asset.ts"
import type { WalletId } from "./Wallet.ts"

/** Money that is about to leave or enter a wallet. */
export interface Movement {
  readonly kind: "transfer" | "deposit" | "withdrawal" | "conversion"
  readonly walletId: WalletId
  readonly asset: AssetCode
  readonly amount: BigDecimal.BigDecimal
  /** The other wallet of a transfer. */
  readonly counterparty?: WalletId
}

/** A rule refuses the movement. */
export class MovementDenied extends Schema.TaggedError<MovementDenied>()("MovementDenied", {
  /** Remaining amount, and when more is allowed. */
  detail: Schema.String
}) {
  override get message(): string {
    return this.detail
  }
}
