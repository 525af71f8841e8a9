import { assert, describe, it } from "@effect/vitest"
import { isPairRefusal } from "../../../src/providers/flutterwave/PairRefusal.ts"

describe("isPairRefusal", () => {
  const refusals: ReadonlyArray<readonly [number, string]> = [
    [400, "KES to GHS is not supported"],
    [400, "Transfers from KES to GHS are not offered"],
    [400, "Rate unavailable for this currency pair"],
    [422, "destination_currency must be one of NGN, USD"],
    [422, "no"],
    [404, "No rates found for KES to GHS"],
    [200, "Currency pair not supported"]
  ]
  it.each(refusals)("recognizes a refusal of the pair: %i %s", (status, message) => {
    assert.isTrue(isPairRefusal(status, message))
  })

  const others: ReadonlyArray<readonly [number, string]> = [
    [400, "Unable to fetch rates at the moment"],
    [200, "Unable to fetch rates at the moment"],
    [400, "Please enable IP Whitelisting to access this service"],
    [400, "amount is required"],
    [400, "Amount should be between 1 and 100"],
    [400, "Invalid authorization key"],
    [400, "Your account is disabled"],
    [400, "Too many requests"],
    [401, "KES to GHS is not supported"],
    [403, "KES to GHS is not supported"],
    [404, "Not found"],
    [429, "KES to GHS is not supported"],
    [500, "KES to GHS is not supported"],
    [503, "Currency pair not supported"]
  ]
  it.each(others)("never takes another cause for a refusal of the pair: %i %s", (status, message) => {
    assert.isFalse(isPairRefusal(status, message))
  })
})
