import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { UserAdministration } from "../../../../src/accounts/UserAdministration.ts"
import { connectAdmin } from "../../../../src/client/promise/ConnectAdmin.ts"
import { LimitExceeded } from "../../../../src/client/promise/EffexError.ts"
import * as TestAccounts from "../../../support/TestAccounts.ts"
import { TestServer } from "../../../support/TestServer.ts"
import { errorOf } from "../ClientErrors.ts"

const PASSWORD = TestAccounts.PASSWORD

/** A new account that moves a tenth of its balance waits for a review. */
const rules = { RISK_REVIEW_VALUE: "100", RISK_BALANCE_SHARE: "0.1", RISK_DAY_VALUE: "350" }

layer(TestServer.layer({ FUNDING: "sandbox", ...rules }), { excludeTestServices: true })(
  "risk rules in the client, against a server",
  (it) => {
    it.effect("hold a transfer until an administrator decides, and refuse beyond a limit", () =>
      Effect.gen(function* () {
        const { url } = yield* TestServer
        yield* (yield* UserAdministration).create(TestAccounts.account("boss"), "admin", "cli:test")
        yield* Effect.promise(async () => {
          const { accounts, admin } = connectAdmin(url)
          await accounts.login({ username: "boss", password: PASSWORD })
          const [ann, ben] = [connectAdmin(url), connectAdmin(url)]
          await ben.accounts.register({ username: "ben", password: PASSWORD })
          await ann.accounts.register({ username: "ann", password: PASSWORD })
          await ann.funding.deposit({ amount: "1000" })

          const request = { to: "ben", asset: "USD", amount: "150.00", idempotencyKey: "rent" }
          const held = await ann.transfers.send(request)
          assert.deepInclude(held, { state: "held-for-review", amount: "150.00", counterparty: "ben" })
          assert.deepStrictEqual(await ann.transfers.send(request), held)
          const { available, balance } = (await ann.wallet()).balances[0] ?? {}
          assert.deepStrictEqual([balance, available], ["1000.00", "850.00"])

          const [review] = (await admin.reviews.list({ state: "pending" }).page()).data
          assert.deepInclude(review, { id: held.id, username: "ann", kind: "transfer" })
          assert.instanceOf(review?.expiresAt, Date)
          assert.isNotEmpty((await admin.reviews.get(held.id)).rules)
          const approved = await admin.reviews.approve(held.id, { reason: "Known" })
          assert.strictEqual(approved.state, "approved")
          assert.deepInclude(await ann.transfers.get(held.id), { state: "completed" })
          assert.strictEqual((await ben.wallet()).balance, "150.00")

          const second = await ann.transfers.send({ ...request, idempotencyKey: "again" })
          assert.strictEqual((await admin.reviews.reject(second.id, { reason: "No" })).state, "rejected")
          assert.deepInclude(await ann.transfers.get(second.id), { state: "rejected", transactionId: null })

          const beyond = await errorOf(ann.transfers.send({ ...request, idempotencyKey: "beyond" }))
          assert.instanceOf(beyond, LimitExceeded)
          assert.deepInclude(beyond, { status: 403, remaining: "50.00", unit: "USD", retryable: false })
          assert.instanceOf(beyond.resetsAt, Date)
          const [decision] = (await admin.risk.decisions({ walletId: review?.walletId }).page()).data
          assert.deepInclude(decision, { outcome: "deny", username: "ann", amount: "150.00" })
        })
      })
    )
  }
)
