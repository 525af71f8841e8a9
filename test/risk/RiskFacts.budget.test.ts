import { assert, layer } from "@effect/vitest"
import { BigDecimal, DateTime, Effect, Fiber, Layer, Option } from "effect"
import { constVoid } from "effect/Function"
import { TestClock } from "effect/testing"
import { AttemptLimits } from "../../src/accounts/login/AttemptLimits.ts"
import { Sessions } from "../../src/accounts/sessions/Sessions.ts"
import { Users } from "../../src/accounts/Users.ts"
import { Settings } from "../../src/config/Settings.ts"
import { type User, UserId, Username } from "../../src/domain/accounts/User.ts"
import { LedgerAccountId } from "../../src/domain/ledger/LedgerAccount.ts"
import { AssetCode } from "../../src/domain/money/Asset.ts"
import { WalletId } from "../../src/domain/wallets/Wallet.ts"
import { Rates } from "../../src/rates/lookup/Rates.ts"
import { RiskFacts } from "../../src/risk/RiskFacts.ts"
import { RiskRuleSettings } from "../../src/risk/RiskRuleSettings.ts"
import * as TestCatalog from "../support/TestCatalog.ts"
import * as TestSettings from "../support/TestSettings.ts"

const USER: User = {
  id: UserId.make("01980000-0000-7000-8000-000000000001"),
  username: Username.make("amara"),
  email: Option.none(),
  role: "user",
  createdAt: DateTime.makeUnsafe(0),
  lockedAt: Option.none()
}

/** No rate is in memory, and no provider answers. */
const services = RiskFacts.layer.pipe(
  Layer.provide([
    Layer.mock(Rates, { peek: () => undefined, lookup: () => Effect.never, countLookup: constVoid }),
    Layer.mock(Users, { byId: () => Effect.succeedSome(USER) }),
    Layer.mock(Sessions, {}),
    Layer.mock(AttemptLimits, {}),
    Layer.unwrap(
      Effect.map(Settings, ({ riskRules }) => Layer.mock(RiskRuleSettings, { current: () => riskRules }))
    ),
    TestCatalog.layer([TestCatalog.asset("BTC", "crypto")])
  ]),
  Layer.provide(TestSettings.layerOnly({ HOME_CURRENCY: "NGN", LOOKUP_BUDGET: "1 second" }))
)

layer(services)("RiskFacts without a price in memory", (it) => {
  it.effect("waits LOOKUP_BUDGET for all rates of a price together", () =>
    Effect.gen(function* () {
      const facts = yield* RiskFacts
      // BTC is priced in US dollars, and these in naira.
      const fiber = yield* Effect.forkChild(
        facts.of({
          kind: "order",
          user: {
            id: WalletId.make("01980000-0000-7000-8000-000000000002"),
            userId: USER.id,
            username: USER.username
          },
          session: undefined,
          account: LedgerAccountId.make("1"),
          asset: AssetCode.make("BTC"),
          amount: BigDecimal.make(1n, 0)
        }),
        { startImmediately: true }
      )
      yield* TestClock.adjust("999 millis")
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      const found = yield* Fiber.join(fiber)
      assert.strictEqual(found?.kind, "order")
      assert.isUndefined(found?.value)
      assert.deepStrictEqual(yield* DateTime.now, DateTime.makeUnsafe(1000))
    })
  )
})
