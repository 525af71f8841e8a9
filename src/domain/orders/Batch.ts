import { type BigDecimal, type DateTime, Schema } from "effect"
import type { AssetCode } from "../money/Asset.ts"
import type { OrderSide } from "./OrderSide.ts"

/** UUIDv7 of a batch. It is also the client order id of its order at the exchange. */
export const BatchId = Schema.String.check(Schema.isUUID(7)).pipe(Schema.brand("BatchId"))
export type BatchId = typeof BatchId.Type

/**
 * - `reserved`: it has its orders; nothing was sent
 * - `sent`: its order may be at the exchange
 * - `filled`: the exchange has ended its order, and filled at least a part
 * - `rejected`: certainly nothing was or will be filled
 * - `allocated`: its orders have their shares
 */
export const BatchState = Schema.Literals(["reserved", "sent", "filled", "rejected", "allocated"])
export type BatchState = typeof BatchState.Type

/** Reason for which a batch was rejected. Its orders fail with the same reason. */
export const RejectionReason = Schema.Literals([
  "account-frozen",
  "price-moved",
  "below-exchange-minimum",
  "not-tradable",
  "not-sent",
  "exchange-refused",
  "not-filled"
])
export type RejectionReason = typeof RejectionReason.Type

/** One order at the exchange, for one or more orders of users. */
export interface Batch {
  readonly id: BatchId
  readonly asset: AssetCode
  readonly side: OrderSide
  /** It settles a pool, rather than a single order. */
  readonly isAggregated: boolean
  /** Number of orders. */
  readonly orders: number
  /** Sum of the amounts of the orders, in units of the asset. */
  readonly customerAmount: BigDecimal.BigDecimal
  /** Sum of the totals of the orders, in US dollars. */
  readonly total: BigDecimal.BigDecimal
  readonly state: BatchState
  readonly reason: RejectionReason | null
  readonly detail: string | null
  /** Leader term that made the last change of the state. */
  readonly term: bigint
  /** Amount ordered at the exchange; null before it is sent. The house takes what exceeds the orders. */
  readonly exchangeAmount: BigDecimal.BigDecimal | null
  /** Rate against which the locked prices were compared; null before it is sent. */
  readonly rate: BigDecimal.BigDecimal | null
  readonly exchange: string | null
  readonly exchangeOrderId: string | null
  /** Units that the exchange bought or sold, exactly; null until the exchange has ended the order. */
  readonly filled: BigDecimal.BigDecimal | null
  /** US dollars paid or received for `filled`, exactly. */
  readonly cost: BigDecimal.BigDecimal | null
  readonly fee: BigDecimal.BigDecimal | null
  /** Units of `filled` that the house took; null until it is allocated. */
  readonly houseFilled: BigDecimal.BigDecimal | null
  /** Number of submissions. Each is counted before it is sent. */
  readonly submissions: number
  readonly submittedAt: DateTime.Utc | null
  /** Consecutive lookups that found the order open. */
  readonly polls: number
  /** Consecutive failures. */
  readonly failures: number
  readonly lastError: string | null
  readonly nextAttemptAt: DateTime.Utc
  /** Set once settling was given up: an administrator decides when to retry. */
  readonly deadAt: DateTime.Utc | null
  readonly createdAt: DateTime.Utc
  readonly updatedAt: DateTime.Utc
}

/** A change of the state of a batch. Immutable. */
export interface BatchEvent {
  /** From 1, without gaps. */
  readonly version: number
  readonly state: BatchState
  readonly term: bigint
  readonly reason: RejectionReason | null
  readonly detail: string | null
  readonly at: DateTime.Utc
}

/** There is no batch with this id. */
export class BatchNotFound extends Schema.TaggedError<BatchNotFound>()("BatchNotFound", {}) {
  override get message(): string {
    return "There is no batch with this id"
  }
}

/** An allocated batch is complete. */
export class BatchAllocated extends Schema.TaggedError<BatchAllocated>()("BatchAllocated", {}) {
  override get message(): string {
    return "The batch is allocated: nothing is left to retry"
  }
}
