import type { Role } from "../../domain/accounts/User.ts"
import type { OrderSide } from "../../domain/orders/OrderSide.ts"

/** Password of every sample user. */
export const PASSWORD = "new_password"

/** Something that a sample user does, by its type. Amounts are decimal text. */
export type SampleAction =
  | { readonly type: "deposit"; readonly amount: string; readonly asset: string }
  | {
      readonly type: "transfer"
      readonly to: string
      readonly amount: string
      readonly asset: string
      readonly note: string
    }
  | { readonly type: "convert"; readonly amount: string; readonly from: string; readonly to: string }
  | { readonly type: "order"; readonly side: OrderSide; readonly amount: string; readonly asset: string }

interface SampleUser {
  readonly username: string
  readonly role: Role
}

/** The administrator, and two users. */
export const users: ReadonlyArray<SampleUser> = [
  { username: "admin", role: "admin" },
  { username: "amara", role: "user" },
  { username: "kofi", role: "user" }
]

/** Actions of the users, in this order. The administrator keeps exactly 1000.00 USD, as in the examples of older clients. */
export const actions: ReadonlyArray<readonly [username: string, action: SampleAction]> = [
  ["admin", { type: "deposit", amount: "1000.00", asset: "USD" }],
  ["amara", { type: "deposit", amount: "2500.00", asset: "USD" }],
  ["amara", { type: "deposit", amount: "800.00", asset: "EUR" }],
  ["amara", { type: "deposit", amount: "350000.00", asset: "NGN" }],
  ["kofi", { type: "deposit", amount: "600.00", asset: "USD" }],
  ["kofi", { type: "deposit", amount: "150.00", asset: "GBP" }],
  ["kofi", { type: "deposit", amount: "4000.00", asset: "GHS" }],
  ["amara", { type: "transfer", to: "kofi", amount: "25.00", asset: "USD", note: "Lunch" }],
  ["kofi", { type: "transfer", to: "amara", amount: "180.00", asset: "GHS", note: "Tickets for Saturday" }],
  ["amara", { type: "convert", amount: "200.00", from: "USD", to: "NGN" }],
  ["kofi", { type: "convert", amount: "50.00", from: "GBP", to: "KES" }],
  ["amara", { type: "order", side: "buy", amount: "3", asset: "ABAN" }],
  ["amara", { type: "order", side: "buy", amount: "0.01", asset: "BTC" }],
  ["amara", { type: "order", side: "buy", amount: "0.2", asset: "ETH" }],
  ["amara", { type: "order", side: "buy", amount: "1", asset: "AAPL" }],
  ["kofi", { type: "order", side: "buy", amount: "0.5", asset: "SOL" }],
  ["kofi", { type: "order", side: "buy", amount: "2", asset: "ABAN" }],
  ["kofi", { type: "order", side: "buy", amount: "0.5", asset: "MSFT" }]
]
