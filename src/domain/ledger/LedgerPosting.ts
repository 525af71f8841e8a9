import { type BigDecimal, type DateTime, Schema } from "effect"
import type { MovementFacts } from "../risk/MovementFacts.ts"
import type { LedgerAccountId } from "./LedgerAccount.ts"

/** UUIDv7 of a transfer. The caller chooses it. */
export const TransferId = Schema.String.check(Schema.isUUID(7)).pipe(Schema.brand("TransferId"))
export type TransferId = typeof TransferId.Type

/** UUIDv7 of a hold. The caller chooses it. */
export const HoldId = Schema.String.check(Schema.isUUID(7)).pipe(Schema.brand("HoldId"))
export type HoldId = typeof HoldId.Type

/** Moves an amount into an account, or out of it if the amount is negative. Never zero. */
export interface EntryPosting {
  readonly account: LedgerAccountId
  readonly amount: BigDecimal.BigDecimal
}

/** Reserves an amount of an account until the hold ends or expires. */
export interface HoldOpening {
  readonly holdId: HoldId
  readonly account: LedgerAccountId
  /** Positive. */
  readonly amount: BigDecimal.BigDecimal
  /** The hold ends by itself at this time of the database; undefined for a hold without an expiry. */
  readonly expiresAt?: DateTime.Utc | undefined
}

/**
 * Ends an open hold and releases its whole amount. The ledger moves no money for a posted hold: the entries of the same
 * posting do. The hold must have been posted before: a hold that is opened by the same call is not found.
 */
export interface HoldEnding {
  readonly holdId: HoldId
  readonly outcome: "posted" | "voided"
  /** Amount of the hold that was used, at most its amount. Zero for a voided hold. */
  readonly posted: BigDecimal.BigDecimal
}

/** Key of a request. Its first outcome, refusals included, is returned for every later posting with the same key. */
export interface PostingKey {
  /** Principal that chose the key: keys of different principals are independent. */
  readonly principal: string
  readonly key: string
  /** The same key with another hash is a mismatch. */
  readonly requestHash: string
}

/** One transfer: all of it is posted, or nothing. Its entries add up to zero in each asset. */
export interface LedgerPosting {
  readonly id: TransferId
  /** Purpose of the transfer: lower-case words separated by dots, such as `transfer` or `order.settlement`. */
  readonly kind: string
  readonly idempotency?: PostingKey | undefined
  /** Stored with the transfer, and immutable. */
  readonly details: Schema.JsonObject
  readonly entries: ReadonlyArray<EntryPosting>
  readonly opens: ReadonlyArray<HoldOpening>
  readonly ends: ReadonlyArray<HoldEnding>
  /** A movement that the posting gate decides on; undefined for what it does not apply to. */
  readonly movement?: MovementFacts | undefined
  /** Details of the transfer that holds the money if the gate holds the movement. By default, those of the posting. */
  readonly heldDetails?: Schema.JsonObject | undefined
}
