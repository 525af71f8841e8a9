import type { OrderState } from "../../../src/client/promise/orders/OrderValues.ts"

/** Returns true for a state that an order leaves again. */
export const isPending = (state: OrderState): boolean =>
  state === "held-for-review" || state === "pending" || state === "aggregated" || state === "submitted"

/** Returns true for a state in which a user can cancel an order. */
export const isCancellable = (state: OrderState): boolean =>
  state === "held-for-review" || state === "aggregated"

/** Tone of a state's chip. */
export const toneOf = (state: OrderState): "bad" | "quiet" | "warn" =>
  isPending(state) ? "warn" : state === "failed" ? "bad" : "quiet"
