import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import * as Decimal from "../../../src/domain/money/Decimal.ts"
import { Ledger } from "../../../src/ledger/Ledger.ts"
import { FundingClient } from "../../../src/wallets/funding/FundingClient.ts"
import * as TestFunding from "../../support/TestFunding.ts"
import * as TestWallets from "../../support/TestWallets.ts"

layer(TestFunding.layer(FundingClient.layerSandbox))("Funding in the sandbox", (it) => {
  it.effect("credits a deposit and pays a withdrawal at once, from and to the account funding", () =>
    Effect.gen(function* () {
      const ann = yield* TestWallets.user("ann")
      const { request: deposit } = yield* TestFunding.request(ann, "deposit", "10.5")
      assert.deepInclude(deposit, { state: "completed", reference: `sandbox:${deposit.id}`, settledBy: null })
      const { request: withdrawal } = yield* TestFunding.request(ann, "withdrawal", "4")
      assert.strictEqual(withdrawal.state, "completed")
      assert.deepStrictEqual(yield* TestWallets.balances(ann), ["USD 6.5"])
      const trial = yield* (yield* Ledger).trialBalance(undefined)
      assert.deepStrictEqual(
        trial.map(({ asset, balance, role }) => `${asset} ${role} ${Decimal.format(balance)}`),
        ["USD funding -6.5", "USD user 6.5"]
      )
    })
  )
})
