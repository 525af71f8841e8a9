import { Schema } from "effect"
import { Username } from "../../domain/accounts/User.ts"
import { AssetCode } from "../../domain/money/Asset.ts"
import { RateId } from "../../domain/rates/Rate.ts"
import { WalletId } from "../../domain/wallets/Wallet.ts"
import { TimestampText } from "../../domain/Timestamp.ts"

const Amount = Schema.String.annotate({
  description: "A decimal number with all decimals of its asset"
})

/** Balance of a wallet in one asset now. */
export const BalanceMessage = Schema.Struct({
  asset: AssetCode,
  balance: Amount,
  /** Part of the balance that is reserved, such as for a withdrawal in progress. */
  held: Amount,
  /** Amount that can be spent: the balance minus what is held. */
  available: Amount
}).annotate({ identifier: "Balance" })

/** A rate that contributes to a total value. */
const UsedRate = Schema.Struct({
  pair: Schema.String.annotate({ description: "Such as `BTC:USD`" }),
  rate: Schema.String,
  rate_id: RateId,
  as_of: TimestampText,
  /** Older than `STALE_AFTER`, because it could not be refreshed. */
  stale: Schema.Boolean
})

/** Value of all balances in the home currency, at the latest rates. */
export const TotalMessage = Schema.Struct({
  currency: AssetCode,
  /** Rounded down to the decimals of the currency. */
  value: Amount,
  /** Time of the oldest rate; of the response if no rate was needed. */
  as_of: TimestampText,
  /** False if the value lacks an asset. */
  complete: Schema.Boolean,
  rates: Schema.Array(UsedRate),
  /** Assets without a price now, which the value lacks. */
  unpriced: Schema.Array(AssetCode)
}).annotate({ identifier: "TotalValue" })

/** The balances of a user. */
export const WalletMessage = Schema.Struct({
  wallet_id: WalletId,
  /** Balance in `currency`, the home currency. */
  balance: Amount,
  currency: AssetCode,
  /** One for each asset that the wallet ever had, by code. */
  balances: Schema.Array(BalanceMessage),
  total: TotalMessage
}).annotate({ identifier: "Wallet" })
export type WalletMessage = typeof WalletMessage.Type

/** The balances of a user at a time. */
export const WalletAtMessage = Schema.Struct({
  wallet_id: WalletId,
  time: TimestampText,
  /** Assets of which the wallet had something, by code. */
  balances: Schema.Array(Schema.Struct({ asset: AssetCode, balance: Amount }))
}).annotate({ identifier: "WalletAt" })
export type WalletAtMessage = typeof WalletAtMessage.Type

/** Opening and closing balances of a period. */
export const AccountStatementMessage = Schema.Struct({
  wallet_id: WalletId,
  username: Username,
  since: TimestampText,
  /** The period ends before it. */
  until: TimestampText,
  /** Assets that the wallet had, or that moved, by code. */
  balances: Schema.Array(
    Schema.Struct({
      asset: AssetCode,
      opening: Amount,
      closing: Amount,
      /** Closing minus opening balance. */
      change: Amount,
      /** Number of movements. */
      movements: Schema.Int
    })
  )
}).annotate({ identifier: "AccountStatement" })
export type AccountStatementMessage = typeof AccountStatementMessage.Type
