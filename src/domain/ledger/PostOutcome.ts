import type { BigDecimal } from "effect"
import type { LedgerAccountId } from "./LedgerAccount.ts"
import type { Denial } from "../risk/Denial.ts"
import type { HoldId, TransferId } from "./LedgerPosting.ts"

interface Outcome<Tag extends string> {
  readonly _tag: Tag
  /** True if the outcome was stored by an earlier posting with the same key. */
  readonly replayed: boolean
}

/** The transfer was posted. `id` is that of the first posting with the same key. */
export interface Posted extends Outcome<"Posted"> {
  readonly id: TransferId
}

/** The account would have fallen below its floor. */
export interface InsufficientFunds extends Outcome<"InsufficientFunds"> {
  readonly account: LedgerAccountId
  /** Amount that was available when the posting was refused, in units of the asset of the account. */
  readonly available: BigDecimal.BigDecimal
}

/** An account of the posting does not exist, or is frozen. */
export interface AccountRefused extends Outcome<"AccountNotFound" | "AccountFrozen"> {
  readonly account: LedgerAccountId
}

/** A hold that the posting ends does not exist, has ended, has expired, or is smaller than the posted amount. */
export interface HoldRefused extends Outcome<"HoldNotFound" | "HoldEnded" | "HoldExpired" | "ExceedsHold"> {
  readonly hold: HoldId
}

/** The posting gate holds the money instead of moving it. `id` is the transfer that opened the hold. */
export interface Held extends Outcome<"Held"> {
  readonly id: TransferId
}

/** The posting gate refused the posting. */
export interface GateRefused extends Outcome<"GateRefused"> {
  /** Id of the decision of the gate. */
  readonly decision: string
  readonly denial: Denial
}

/** The key was used for another request. */
export type KeyMismatch = Outcome<"KeyMismatch">

/**
 * Outcome of one posting. Everything but `Posted` and `Held` means that nothing of it was stored except the outcome of its
 * key. A replay of `Held` is `Posted`, with the same id: a hold was posted.
 */
export type PostOutcome =
  | Posted
  | Held
  | InsufficientFunds
  | AccountRefused
  | HoldRefused
  | GateRefused
  | KeyMismatch
