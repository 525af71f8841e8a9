/** Longest time that an order waits in a pool. Short, so that pools that never reach the threshold are settled during the soak. */
export const POOL_MILLIS = 4_000

/** An order that a client places. */
export interface OrderIntent {
  /** Unique, also among users. */
  readonly key: string
  readonly user: string
  readonly asset: string
  readonly side: "buy" | "sell"
  /** Largest total, in cents. */
  readonly cents: bigint
}

/** What a client knows of an order: its id if it was accepted, `refused` for lack of funds or of the asset. */
export type OrderOutcome = { readonly id: string } | "refused" | "unknown"

/** What clients know about orders. */
export interface OrderModel {
  readonly byKey: Map<string, { readonly intent: OrderIntent; readonly outcome: OrderOutcome }>
  /** Responses about orders that have ended, by id. They never change. */
  readonly ended: Map<string, string>
  /** Orders whose cancellation was confirmed. */
  readonly cancelled: Set<string>
  /** Orders that a client tried to cancel. */
  readonly cancelRequested: Set<string>
}

/** Makes a model without orders. */
export const emptyModel = (): OrderModel => ({
  byKey: new Map(),
  ended: new Map(),
  cancelled: new Set(),
  cancelRequested: new Set()
})
