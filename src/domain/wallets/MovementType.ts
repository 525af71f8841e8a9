import { Schema } from "effect"

/** Types of the transactions that move the balance of a user. Other transactions only hold money or release it. */
export const MovementType = Schema.Literals([
  "transfer",
  "deposit",
  "withdrawal",
  "conversion",
  "order.settlement",
  "adjustment"
])
export type MovementType = typeof MovementType.Type
