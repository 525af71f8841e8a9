import { type BigDecimal, Schema } from "effect"
import type { AssetCode } from "../money/Asset.ts"
import type { WalletId } from "./Wallet.ts"

/** Money that is about to leave or enter a wallet. */
export interface Movement {
  readonly kind: "transfer" | "deposit" | "withdrawal" | "conversion" | "order"
  readonly walletId: WalletId
  readonly asset: AssetCode
  readonly amount: BigDecimal.BigDecimal
  /** The other wallet of a transfer. */
  readonly counterparty?: WalletId
}

/** A rule refuses the movement. */
export class MovementDenied extends Schema.TaggedError<MovementDenied>()("MovementDenied", {
  detail: Schema.String,
  /** What can still be moved until `resetsAt`, in `unit`; null if a rule without a limit refuses the movement. */
  remaining: Schema.NullOr(Schema.String),
  /** A currency, or `movements`. */
  unit: Schema.NullOr(Schema.String),
  resetsAt: Schema.NullOr(Schema.DateTimeUtc)
}) {
  override get message(): string {
    return this.detail
  }
}
