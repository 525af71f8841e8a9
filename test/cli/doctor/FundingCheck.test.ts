import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import * as StoredDataCheck from "../../../src/cli/doctor/StoredDataCheck.ts"
import { Settings } from "../../../src/config/Settings.ts"
import { FundingClient } from "../../../src/wallets/funding/FundingClient.ts"
import * as TestFunding from "../../support/TestFunding.ts"
import * as TestWallets from "../../support/TestWallets.ts"

const check = Effect.fnUntraced(function* (funding: "sandbox" | "manual") {
  const settings = yield* Settings
  const results = yield* Effect.provideService(StoredDataCheck.run, Settings, { ...settings, funding })
  return results.find(({ check }) => check === "funding")
})

layer(TestFunding.layer(FundingClient.layerSandbox))("effex doctor", (it) => {
  it.effect("warns about money of the sandbox without the sandbox, and about old pending requests", () =>
    Effect.gen(function* () {
      assert.deepInclude(yield* check("manual"), {
        status: "ok",
        found: "0 deposits and withdrawals are pending"
      })
      const user = yield* TestWallets.user("ann")
      yield* TestFunding.request(user, "deposit", "1")
      assert.deepInclude(yield* check("sandbox"), { status: "ok" })
      const sandbox = yield* check("manual")
      assert.strictEqual(sandbox?.status, "warning")
      assert.include(sandbox?.found, "money of the sandbox")
      // The clock of the test stands at 1970.
      yield* TestFunding.request(user, "deposit", "1", { note: "sandbox:never" })
      const old = yield* check("sandbox")
      assert.strictEqual(old?.status, "warning")
      assert.match(old?.found ?? "", /^1 deposits and withdrawals are pending, the oldest for \d+d/)
    })
  )
})
