import type { OrderState } from "../../../src/client/promise/orders/OrderValues.ts"

/** Returns true for a state that an order leaves again. */
export const isPending = (state: OrderState): boolean =>
  state === "pending" || state === "aggregated" || state === "submitted"

/** Tone of a state's chip. */
export const toneOf = (state: OrderState): "bad" | "quiet" | "warn" =>
  isPending(state) ? "warn" : state === "failed" ? "bad" : "quiet"
