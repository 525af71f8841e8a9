import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { Database } from "../../../../src/platform/postgres/Database.ts"
import type { WalletId } from "../../../../src/domain/wallets/Wallet.ts"
import * as TestRisk from "../../../support/TestRisk.ts"
import { get, TestServer } from "../../../support/TestServer.ts"
import * as WalletUsers from "../../../support/WalletUsers.ts"

const LIMITS = { RISK_REVIEW_VALUE: "100", RISK_DEPOSIT_WINDOW: "10 minutes", RISK_BALANCE_SHARE: "0.8" }

/** Creates a user. New ones are not treated differently, because that would hold most withdrawals anyway. */
const customer = Effect.fnUntraced(function* (name: string) {
  yield* TestRisk.changeRules(({ new_account, new_device }) => ({
    new_account: { ...new_account, enabled: false },
    new_device: { ...new_device, enabled: false }
  }))
  const user = yield* WalletUsers.create(name)
  const withdraw = (amount: string) =>
    Effect.map(
      get("/api/v1/accounts/wallet/withdraw", {
        method: "PATCH",
        headers: { authorization: user.authorization, "content-type": "application/json" },
        body: JSON.stringify({ amount })
      }),
      ({ json, text }) => {
        assert.isString(json["state"], text)
        return json["state"]
      }
    )
  return { ...user, withdraw, decisions: TestRisk.decisionsOf(user.wallet) }
})

/** Moves what a wallet has received into the past, which the ledger forbids. */
const age = Effect.fnUntraced(function* (wallet: WalletId, minutes: number) {
  const { sql } = yield* Database
  yield* sql.withTransaction(
    Effect.gen(function* () {
      yield* sql`ALTER TABLE ledger_transfer DISABLE TRIGGER USER`
      yield* sql`
        UPDATE ledger_transfer SET posted_at = posted_at - make_interval(mins => ${minutes}) WHERE id IN (
          SELECT entry.transfer_id FROM ledger_entry AS entry JOIN ledger_account AS account ON account.id = entry.account_id
          WHERE account.owner = ${wallet})`
      yield* sql`ALTER TABLE ledger_transfer ENABLE TRIGGER USER`
    })
  )
})

const HELD = ["review deposit_withdrawal withdraws what was just deposited"]

layer(TestServer.layer(LIMITS), { excludeTestServices: true })("Risk of withdrawals", (it) => {
  it.effect("holds the withdrawal of most of what was just deposited, also in parts", () =>
    Effect.gen(function* () {
      const { decisions, wallet, withdraw } = yield* customer("washer")
      yield* WalletUsers.fund(wallet, { USD: "1000" })
      yield* withdraw("799.99")
      assert.deepStrictEqual(yield* decisions, [])
      yield* withdraw("0.01")
      assert.deepStrictEqual(yield* decisions, HELD)
    })
  )

  it.effect("counts only deposits within the window before the withdrawal", () =>
    Effect.gen(function* () {
      const { decisions, wallet, withdraw } = yield* customer("saver")
      yield* WalletUsers.fund(wallet, { USD: "1000" })
      yield* age(wallet.id, 11)
      yield* WalletUsers.fund(wallet, { USD: "500" })
      yield* age(wallet.id, 9)
      // All but the latest deposit is older than the window now.
      yield* withdraw("399.99")
      assert.deepStrictEqual(yield* decisions, [])
      yield* withdraw("0.01")
      assert.deepStrictEqual(yield* decisions, HELD)
    })
  )

  it.effect("does not count what others sent", () =>
    Effect.gen(function* () {
      const giver = yield* customer("giver")
      yield* WalletUsers.fund(giver.wallet, { USD: "2000" })
      const { decisions, wallet, withdraw } = yield* customer("heir")
      const sent = yield* giver.post("/api/v1/transfers", { to: "heir", asset: "USD", amount: "500" })
      assert.strictEqual(sent.status, 201, sent.text)
      yield* WalletUsers.fund(wallet, { USD: "300" })
      yield* withdraw("239.99")
      assert.deepStrictEqual(yield* decisions, [])
      yield* withdraw("0.01")
      assert.deepStrictEqual(yield* decisions, HELD)
    })
  )
})
