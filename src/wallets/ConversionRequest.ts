import type { ConversionTerms } from "../conversion/ConversionInput.ts"
import type { RequestFields } from "../conversion/Idempotency.ts"
import type { PreparedConversion } from "../conversion/PreparedConversion.ts"
import * as Decimal from "../domain/money/Decimal.ts"
import type { ReviewedConversion } from "../domain/risk/Review.ts"
import { KIND } from "./ConversionPosting.ts"
import { type MovementRequest, postingKeyOf, type RequestKey, requesterDetails } from "./RequestHash.ts"
import type { NamedWallet } from "./WalletRepo.ts"

/** A conversion in a wallet to post. The principal and the owner of its terms are those of the user. */
export interface WalletConversionRequest extends MovementRequest {
  readonly wallet: NamedWallet
  readonly terms: ConversionTerms
}

/** Details of the transfer that holds the money: what an administrator decides on, and what an approval exchanges. */
export const heldDetailsOf = (
  { amount, amountType, quoteId, reference, to }: ConversionTerms,
  { record }: PreparedConversion,
  requestedBy: string | undefined
) => ({
  conversion: {
    to: to.code,
    amount: Decimal.format(amount),
    amount_type: amountType,
    output_amount: record.output_amount,
    rate: record.rate,
    quote_id: quoteId,
    reference
  } satisfies ReviewedConversion,
  ...requesterDetails(requestedBy)
})

export const fieldsOf = ({ amount, from, to, ...others }: ConversionTerms): RequestFields => ({
  ...others,
  from: from.code,
  to: to.code,
  amount: Decimal.format(amount)
})

/** The largest age of the rate is no part of what a request means: a retry may come with another one. */
export const keyOf = (key: RequestKey, { amount, amountType, from, quoteId, reference, to }: RequestFields) =>
  postingKeyOf(key, [KIND, from, to, amount, amountType, quoteId, reference])
