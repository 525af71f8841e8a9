import { assert, layer } from "@effect/vitest"
import { BigDecimal, DateTime, Effect, Option, Redacted } from "effect"
import { SignIn } from "../../src/accounts/login/SignIn.ts"
import { Sessions } from "../../src/accounts/sessions/Sessions.ts"
import { Users } from "../../src/accounts/Users.ts"
import type { SessionId } from "../../src/domain/accounts/Session.ts"
import { AssetCode } from "../../src/domain/money/Asset.ts"
import * as Decimal from "../../src/domain/money/Decimal.ts"
import { Database } from "../../src/platform/postgres/Database.ts"
import { RiskFacts } from "../../src/risk/RiskFacts.ts"
import type { NamedWallet } from "../../src/wallets/WalletRepo.ts"
import { walletAccount, Wallets } from "../../src/wallets/Wallets.ts"
import * as TestAccounts from "../support/TestAccounts.ts"
import { TestServer } from "../support/TestServer.ts"
import * as TestWallets from "../support/TestWallets.ts"

const factsOf = Effect.fnUntraced(function* (
  user: NamedWallet,
  code: string,
  amount: string,
  session?: SessionId
) {
  const asset = AssetCode.make(code)
  const [account] = yield* (yield* Wallets).accountIds([walletAccount(user.id, asset)])
  assert(account !== undefined)
  const facts = yield* (yield* RiskFacts).of({
    kind: "transfer",
    user,
    session,
    account,
    asset,
    amount: BigDecimal.fromStringUnsafe(amount)
  })
  assert(facts !== undefined)
  return facts
})

layer(TestServer.layer({ RISK_REVIEW_VALUE: "100" }), { excludeTestServices: true })("RiskFacts", (it) => {
  it.effect("values an amount in the home currency at the latest rate, and knows what has no price", () =>
    Effect.gen(function* () {
      const user = yield* TestWallets.user("valued")
      const value = (code: string, amount: string) =>
        Effect.map(factsOf(user, code, amount), ({ value }) =>
          value === undefined ? undefined : Decimal.format(value)
        )
      assert.strictEqual(yield* value("USD", "12.50"), "12.5")
      const euros = Number(yield* value("EUR", "10"))
      assert.isAbove(euros, 0)
      assert.isUndefined(yield* value("JPY", "1000"))
    })
  )

  it.effect("knows since when the user and the device are known", () =>
    Effect.gen(function* () {
      const user = yield* TestWallets.user("device")
      const { createdAt } = Option.getOrThrow(yield* (yield* Users).byId(user.userId))
      const { signIn } = yield* SignIn
      const { password } = TestAccounts.account("device")
      const from = (userAgent: string) =>
        Effect.map(
          signIn({
            proof: { username: "device", password },
            code: undefined,
            device: { ...TestAccounts.DEVICE, userAgent }
          }),
          ({ session }) => session
        )
      const known = yield* from(TestAccounts.DEVICE.userAgent)
      const other = yield* from("another browser")
      const [first] = (yield* (yield* Sessions).list(user.userId)).toReversed()
      const facts = yield* factsOf(user, "USD", "1", known.id)
      assert.deepStrictEqual(facts.userSince, createdAt)
      // The session of the registration has the same user agent.
      assert.deepStrictEqual(facts.deviceSince, first?.createdAt)
      assert.deepStrictEqual((yield* factsOf(user, "USD", "1", other.id)).deviceSince, other.createdAt)
      assert.isUndefined((yield* factsOf(user, "USD", "1")).deviceSince)
      assert.isTrue(DateTime.isLessThanOrEqualTo(createdAt, other.createdAt))
    })
  )

  it.effect("counts failed logins before a large movement, also after one that succeeded", () =>
    Effect.gen(function* () {
      const user = yield* TestWallets.user("guessed")
      const { signIn } = yield* SignIn
      const attempt = (password: Redacted.Redacted) =>
        Effect.result(
          signIn({ proof: { username: "guessed", password }, code: undefined, device: TestAccounts.DEVICE })
        )
      assert.strictEqual((yield* factsOf(user, "USD", "100")).failedLogins, 0)
      for (let n = 0; n < 3; n++) yield* attempt(Redacted.make(`wrong ${n}, and long enough`))
      yield* attempt(TestAccounts.account("guessed").password)
      assert.strictEqual((yield* factsOf(user, "USD", "100")).failedLogins, 3)
      assert.isUndefined((yield* factsOf(user, "USD", "99.99")).failedLogins)
      // The count ends with its window.
      const { sql } = yield* Database
      yield* sql`UPDATE login_failure SET first_at = first_at - interval '16 minutes'`
      assert.strictEqual((yield* factsOf(user, "USD", "100")).failedLogins, 0)
    })
  )
})
