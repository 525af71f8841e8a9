import type { OrderSide } from "../orders/OrderValues.ts"

export type BatchState = "reserved" | "sent" | "filled" | "rejected" | "allocated"

/** One order at the exchange, for one or more orders of users. Amounts are decimal text. */
export interface Batch {
  /** Also the client order id at the exchange. */
  readonly id: string
  readonly asset: string
  readonly side: OrderSide
  readonly isAggregated: boolean
  readonly orders: number
  /** Sum of the amounts of the orders. */
  readonly amount: string
  /** Sum of their totals, in US dollars. */
  readonly total: string
  readonly state: BatchState
  readonly reason: string | null
  readonly detail: string | null
  readonly exchange: string | null
  readonly exchangeOrderId: string | null
  /** Amount ordered at the exchange. */
  readonly exchangeAmount: string | null
  /** Price against which the locked prices were compared. */
  readonly rate: string | null
  readonly filled: string | null
  readonly cost: string | null
  readonly fee: string | null
  readonly houseFilled: string | null
  readonly submissions: number
  readonly failures: number
  readonly lastError: string | null
  readonly nextAttemptAt: Date
  /** Set once settling was given up: retry it. */
  readonly deadAt: Date | null
  readonly createdAt: Date
  readonly updatedAt: Date
}

/** A batch with every state that it had, oldest first. */
export interface BatchDetail extends Batch {
  readonly history: ReadonlyArray<{
    readonly state: BatchState
    /** Leader term that made the change. */
    readonly term: string
    readonly reason: string | null
    readonly detail: string | null
    readonly at: Date
  }>
}
