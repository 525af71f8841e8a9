import { Schema } from "effect"

export const OrderSide = Schema.Literals(["buy", "sell"])
export type OrderSide = typeof OrderSide.Type
