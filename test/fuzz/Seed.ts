interface SeedRequest {
  readonly method: "PATCH" | "POST"
  readonly path: string
  readonly body: object
}

const deposit = (asset: string, amount: string): SeedRequest => ({
  method: "PATCH",
  path: "/api/v1/accounts/wallet/deposit",
  body: { asset, amount }
})
const order = (asset: string, notional: string): SeedRequest => ({
  method: "POST",
  path: "/api/v1/orders",
  body: { asset, side: "buy", notional }
})
const convert = (amount: string): SeedRequest => ({
  method: "POST",
  path: "/api/v1/accounts/wallet/convert",
  body: { from: "USD", to: "NGN", amount }
})

/** Value of the movements of a user in one asset per hour, in US dollars, beyond which they are held for review at first. */
export const REVIEWED_VALUE = "2000"
const HELD = "3000"

/** Requests of each new user: funds for later requests, and resources of the user in several states. */
export const requests: ReadonlyArray<SeedRequest> = [
  deposit("USD", "100000.00"),
  deposit("EUR", "50000.00"),
  deposit("NGN", "1000000.00"),
  // Filled, open at the exchange, and waiting in its pool.
  order("ABAN", "50"),
  order("ETH", "50"),
  order("ABAN", "2"),
  convert("100.00"),
  order("ABAN", HELD),
  convert(HELD),
  {
    method: "PATCH",
    path: "/api/v1/accounts/wallet/withdraw",
    body: { asset: "EUR", amount: "20.00", note: "sandbox:never" }
  }
]
