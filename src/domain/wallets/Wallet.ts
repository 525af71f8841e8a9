import { type BigDecimal, Schema } from "effect"
import type { UserId } from "../accounts/User.ts"
import * as DisplayText from "../DisplayText.ts"
import { type Asset, AssetCode } from "../money/Asset.ts"
import * as Decimal from "../money/Decimal.ts"

/** UUIDv7 of a wallet. In the ledger, it is the owner of the accounts of the wallet. */
export const WalletId = Schema.String.check(Schema.isUUID()).pipe(Schema.brand("WalletId"))
export type WalletId = typeof WalletId.Type

/** Holds the balances of one user, one per asset. */
export interface Wallet {
  readonly id: WalletId
  readonly userId: UserId
}

/** Text that a user attaches to a transfer. Both sides see it. */
export const Note = DisplayText.line(200)

/** A positive amount of an asset, with no more decimals than the asset has. */
export interface AssetAmount {
  readonly asset: Asset
  readonly amount: BigDecimal.BigDecimal
}

/** Formats a value of an asset with all its decimals: `500.00` USD, `0.50000000` BTC. */
export const formatAmount = (value: BigDecimal.BigDecimal, { decimals }: Pick<Asset, "decimals">): string =>
  Decimal.formatFixed(value, decimals)

/** The available balance does not cover the movement. */
export class InsufficientFunds extends Schema.TaggedError<InsufficientFunds>()("InsufficientFunds", {
  asset: AssetCode,
  /** Available balance, with all decimals of the asset. */
  available: Schema.String
}) {
  override get message(): string {
    return `The wallet has ${this.available} ${this.asset} available, and this takes more; a new attempt takes a new Idempotency-Key`
  }
}

/** No user has the name, and no wallet has the id. */
export class RecipientNotFound extends Schema.TaggedError<RecipientNotFound>()("RecipientNotFound", {}) {
  override get message(): string {
    return "No user has this name and no wallet has this id; check the spelling with GET /api/v1/transfers/recipient"
  }
}

/** The recipient is the sender. */
export class SameWallet extends Schema.TaggedError<SameWallet>()("SameWallet", {}) {
  override get message(): string {
    return "The recipient is the wallet that sends; name another user"
  }
}

/** The asset cannot be used for the movement. */
export class AssetUnavailable extends Schema.TaggedError<AssetUnavailable>()("AssetUnavailable", {
  detail: Schema.String
}) {
  override get message(): string {
    return this.detail
  }
}
