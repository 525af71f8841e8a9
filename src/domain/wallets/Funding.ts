import { type BigDecimal, type DateTime, Schema } from "effect"
import type { Asset } from "../money/Asset.ts"
import type { WalletId } from "./Wallet.ts"

/** UUIDv7 of a deposit or a withdrawal. */
export const FundingId = Schema.String.check(Schema.isUUID()).pipe(Schema.brand("FundingId"))
export type FundingId = typeof FundingId.Type

/** `deposit` is into the wallet, `withdrawal` is out of it. */
export const FundingDirection = Schema.Literals(["deposit", "withdrawal"])
export type FundingDirection = typeof FundingDirection.Type

/** A pending payment is completed or failed once, and then does not change. */
export const FundingState = Schema.Literals(["pending", "completed", "failed"])
export type FundingState = typeof FundingState.Type

/** How a payment is made: by the sandbox, or by an administrator who confirms it. */
export const FundingMethod = Schema.Literals(["sandbox", "manual"])
export type FundingMethod = typeof FundingMethod.Type

/** Behaviour of a sandbox payment on demand: completed at once, after some seconds, never, or failed. */
export const SandboxOutcome = Schema.Literals(["now", "later", "never", "failed"])
export type SandboxOutcome = typeof SandboxOutcome.Type

/** Reference of a payment outside of effex, such as that of a bank transfer. */
export const PaymentReference = Schema.String.check(
  Schema.isMinLength(1, { message: "must not be empty" }),
  Schema.isMaxLength(100, { message: "must have at most 100 characters" }),
  Schema.isPattern(/^[^\p{Cc}\p{Cs}]*$/u, { message: "must not contain control characters" })
)

/** Reason of a failed payment, which the user sees. */
export const FailureReason = Schema.String.check(
  Schema.isMinLength(1, { message: "must not be empty" }),
  Schema.isMaxLength(500, { message: "must have at most 500 characters" }),
  Schema.isPattern(/^[^\p{Cc}\p{Cs}]*$/u, { message: "must not contain control characters" })
)

/** A deposit or a withdrawal. */
export interface FundingRequest {
  readonly id: FundingId
  readonly walletId: WalletId
  readonly direction: FundingDirection
  readonly asset: Asset
  readonly amount: BigDecimal.BigDecimal
  readonly method: FundingMethod
  readonly sandboxOutcome: SandboxOutcome | null
  readonly state: FundingState
  readonly createdAt: DateTime.Utc
  readonly decidedAt: DateTime.Utc | null
  readonly reference: string | null
  readonly reason: string | null
}

/** No deposit or withdrawal has this id. */
export class FundingNotFound extends Schema.TaggedError<FundingNotFound>()("FundingNotFound", {}) {
  override get message(): string {
    return "No deposit or withdrawal has this id"
  }
}

/** The deposit or withdrawal was already completed or failed. */
export class FundingAlreadyDecided extends Schema.TaggedError<FundingAlreadyDecided>()(
  "FundingAlreadyDecided",
  { state: FundingState }
) {
  override get message(): string {
    return `The payment is already ${this.state}, and does not change`
  }
}

/** Sandbox outcomes exist in the sandbox only. */
export class NoSandboxFunding extends Schema.TaggedError<NoSandboxFunding>()("NoSandboxFunding", {}) {
  override get message(): string {
    return "sandbox_outcome is allowed with FUNDING=sandbox only; leave it out"
  }
}
