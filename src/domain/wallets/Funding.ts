import { type BigDecimal, type DateTime, Schema, SchemaTransformation } from "effect"
import { UserId, type Username } from "../accounts/User.ts"
import type { HoldId, TransferId } from "../ledger/LedgerPosting.ts"
import type { AssetCode } from "../money/Asset.ts"
import type { WalletId } from "./Wallet.ts"

/** UUIDv7 of a funding request. Payment providers know the request by it. */
export const FundingId = Schema.String.check(Schema.isUUID(7)).pipe(Schema.brand("FundingId"))
export type FundingId = typeof FundingId.Type

/** Into the wallet, or out of it. */
export const FundingDirection = Schema.Literals(["deposit", "withdrawal"])
export type FundingDirection = typeof FundingDirection.Type

/** `pending` until the outcome is known. A request ends once, and never leaves its end. */
export const FundingState = Schema.Literals(["pending", "completed", "failed"])
export type FundingState = typeof FundingState.Type

/** Decides on the requests: the built-in sandbox without any payment, or administrators. */
export const FundingProvider = Schema.Literals(["sandbox", "manual"])
export type FundingProvider = typeof FundingProvider.Type

/** Reference of a payment outside of effex, in one spelling of its characters (NFC). It completes only one request. */
export const PaymentReference = Schema.String.pipe(
  Schema.decodeTo(
    Schema.Trimmed,
    SchemaTransformation.transform({
      decode: (text) => text.normalize("NFC").trim(),
      encode: (reference) => reference
    })
  )
).check(
  Schema.isMinLength(1, { message: "must not be empty" }),
  Schema.isMaxLength(200, { message: "must have at most 200 characters" }),
  // Invisible characters would make the reference of the same payment another one.
  Schema.isPattern(/^(?:[^\p{C}\p{Z}]| )*$/u, { message: "must have printable characters and spaces only" })
)

/** A deposit or a withdrawal. */
export interface FundingRequest {
  readonly id: FundingId
  readonly walletId: WalletId
  readonly userId: UserId
  readonly username: Username
  readonly direction: FundingDirection
  readonly asset: AssetCode
  /** Positive. */
  readonly amount: BigDecimal.BigDecimal
  readonly note: string | null
  readonly provider: FundingProvider
  /** Reserves the amount of a withdrawal. */
  readonly holdId: HoldId | null
  /** `user:<id>`, or the id of an API key with the user that it acts for. */
  readonly requestedBy: string
  readonly requestedAt: DateTime.Utc
  readonly state: FundingState
  /** Reference of the payment, once completed. */
  readonly reference: string | null
  /** Reason of the failure. */
  readonly reason: string | null
  /** The posting that ended it; null while pending, and for a failed deposit. */
  readonly transferId: TransferId | null
  /** The administrator who decided; null if the provider did. */
  readonly settledBy: string | null
  readonly settledAt: DateTime.Utc | null
}

/** Final outcome of a request. */
export type FundingEnding =
  | { readonly state: "completed"; readonly reference: string }
  | { readonly state: "failed"; readonly reason: string }

/** The state of a request at the provider. */
export type FundingAnswer = { readonly state: "pending" } | FundingEnding

/** The provider did not answer, or answered what cannot be read: the outcome is unknown, and must be asked for. */
export class FundingUnknown extends Schema.TaggedError<FundingUnknown>()("FundingUnknown", {
  cause: Schema.Defect()
}) {
  override get message(): string {
    return "The provider of payments did not answer; its outcome is unknown"
  }
}

/** No funding request has this id. */
export class FundingNotFound extends Schema.TaggedError<FundingNotFound>()("FundingNotFound", {}) {
  override get message(): string {
    return "There is no deposit or withdrawal with this id"
  }
}

/** The request has ended already. */
export class FundingEnded extends Schema.TaggedError<FundingEnded>()("FundingEnded", {
  state: FundingState,
  reference: Schema.NullOr(Schema.String),
  reason: Schema.NullOr(Schema.String)
}) {
  override get message(): string {
    const { reason, reference, state } = this
    return state === "completed"
      ? `The request is already completed, with the reference ${reference}`
      : `The request is already ${state}: ${reason}`
  }
}

/** The payment has completed another request. */
export class PaymentReferenceUsed extends Schema.TaggedError<PaymentReferenceUsed>()("PaymentReferenceUsed", {
  reference: Schema.String,
  /** The request that it completed. */
  usedBy: FundingId
}) {
  override get message(): string {
    return `The reference ${this.reference} has completed the request ${this.usedBy}; check which payment this is`
  }
}

/** The ledger refuses the movement in its present state. The request stays pending. */
export class FundingRefused extends Schema.TaggedError<FundingRefused>()("FundingRefused", {
  detail: Schema.String
}) {
  override get message(): string {
    return this.detail
  }
}

/** Administrators cannot decide on the money of their own wallet, and API keys not on what it requested for a user. */
export class OwnFunding extends Schema.TaggedError<OwnFunding>()("OwnFunding", { user: UserId }) {
  override get message(): string {
    return "You requested this, or it is of your own wallet; another administrator must decide on it"
  }
}
