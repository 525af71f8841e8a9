import { Schema } from "effect"
import { AmountType, Reference } from "../../domain/conversion/Conversion.ts"
import { QuoteId } from "../../domain/conversion/Quote.ts"
import { AssetCode } from "../../domain/money/Asset.ts"
import { AmountInput, ConversionMessage, QuoteBody } from "../conversion/ConversionMessage.ts"
import { DurationFromText } from "../DurationFromText.ts"
import { TimestampText } from "../../domain/Timestamp.ts"
import { TransferId } from "../../domain/ledger/LedgerPosting.ts"
import { TransactionMessage } from "./TransactionMessage.ts"

const priceFields = {
  /** Currency to pay with. */
  from: Schema.String,
  /** Currency to receive. */
  to: Schema.String,
  amount: AmountInput,
  amount_type: Schema.optionalKey(AmountType),
  reference: Schema.optionalKey(Reference)
}

/** Body of `POST /api/v1/accounts/wallet/convert`. */
export const WalletConvertBody = Schema.Struct({
  ...priceFields,
  quote_id: Schema.optionalKey(QuoteId),
  max_age: Schema.optionalKey(
    DurationFromText.annotate({ description: "Largest age of the rate, such as `60 seconds`" })
  )
}).annotate({ identifier: "WalletConvertRequest" })

/** Body of `POST /api/v1/accounts/wallet/quotes`. */
export const WalletQuoteBody = Schema.Struct({ ...priceFields, ttl: QuoteBody.fields.ttl }).annotate({
  identifier: "WalletQuoteRequest"
})

/** A conversion in a wallet. */
export const WalletConversionMessage = Schema.Struct({
  conversion: ConversionMessage,
  /** Amounts that left the wallet and came in. */
  transactions: Schema.Array(TransactionMessage),
  /** Balances of both currencies after the conversion. */
  balances: Schema.Array(Schema.Struct({ asset: AssetCode, balance: Schema.String }))
}).annotate({ identifier: "WalletConversion" })

/** A conversion and its state. Its money is held while it waits for a review. */
export const ConversionStateMessage = Schema.Struct({
  id: TransferId,
  /** `rejected`, `expired` and `cancelled`: the money is free again. */
  state: Schema.Literals(["held-for-review", "completed", "rejected", "expired", "cancelled"]),
  type: Schema.Literal("conversion"),
  /** Currency to pay with. */
  asset: AssetCode,
  /** Amount that is held, and exchanged after an approval. */
  amount: Schema.String,
  /** Currency to receive. */
  to: AssetCode,
  reference: Schema.NullOr(Schema.String),
  created_at: TimestampText,
  /** The movements in the statement, and the record in the audit; null unless `completed`. */
  transaction_id: Schema.NullOr(TransferId)
}).annotate({ identifier: "WalletConversionState" })
export type ConversionStateMessage = typeof ConversionStateMessage.Type
