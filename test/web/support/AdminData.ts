import { assert } from "@effect/vitest"
import { Effect, Option } from "effect"
import { AssetCatalog } from "../../../src/assets/AssetCatalog.ts"
import { AssetCode } from "../../../src/domain/money/Asset.ts"
import { RateIngest } from "../../../src/rates/RateIngest.ts"
import { RateRepo } from "../../../src/rates/RateRepo.ts"
import { tick } from "../../support/RateTicks.ts"
import { pairOf } from "../../support/RateTicks.ts"
import { ScriptedExchange } from "../../support/ScriptedExchange.ts"
import { rate, TestProvider } from "../../support/TestProvider.ts"
import type * as WalletUsers from "../../support/WalletUsers.ts"

type WalletUser = Effect.Success<ReturnType<typeof WalletUsers.create>>

/** Stores a rate of a pair, as a poll does. */
export const poll = Effect.fnUntraced(function* (to: string, value: string) {
  yield* (yield* TestProvider).respondWith(rate(value))
  return yield* (yield* RateIngest).fetchForPoll(pairOf("USD", to), Option.none())
})

/** Stores a good rate of a pair, and quarantines the next one. */
export const quarantine = Effect.fnUntraced(function* (to: string, good: string, offered: string) {
  yield* poll(to, good)
  yield* Effect.sleep("2 millis")
  yield* Effect.flip(poll(to, offered))
})

/** Requests a deposit, which waits for an administrator. */
export const requestDeposit = Effect.fnUntraced(function* (user: WalletUser, amount: string) {
  const response = yield* user.patch("/api/v1/accounts/wallet/deposit", { amount, note: "Bank transfer" })
  assert.strictEqual(response.status, 202, response.text)
})

/** Sends so much that a rule holds it. */
export const sendHeld = Effect.fnUntraced(function* (sender: WalletUser, to: string, amount: string) {
  const response = yield* sender.post("/api/v1/transfers", { to, asset: "USD", amount, note: "Rent" })
  assert.strictEqual(response.status, 202, response.text)
  return String(response.json["id"])
})

/** Lists a cryptocurrency whose price is 4 US dollars, which the exchange fills. */
export const listAsset = Effect.fnUntraced(function* (code: string) {
  yield* (yield* RateRepo).insert(yield* tick(code, "USD", "4"))
  yield* (yield* ScriptedExchange).always({ does: "fill", price: "4" })
  yield* (yield* AssetCatalog).change({
    definition: {
      code: AssetCode.make(code),
      kind: "crypto",
      name: code,
      decimals: 8,
      tradable: true,
      minimumOrder: null,
      providerSymbols: {},
      exchangeSymbol: null,
      state: "listed"
    },
    principal: "test",
    expectedVersion: Option.none()
  })
})
