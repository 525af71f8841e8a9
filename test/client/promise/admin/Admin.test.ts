import { assert, it, layer } from "@effect/vitest"
import { BigDecimal, Effect, Layer, Redacted, Stream } from "effect"
import type * as Keys from "../../../../src/api/access/KeyMessage.ts"
import type * as Overview from "../../../../src/api/operation/OverviewMessage.ts"
import type * as Users from "../../../../src/api/accounts/UserAdminMessage.ts"
import type * as Assets from "../../../../src/api/assets/AssetMessage.ts"
import type * as Ledger from "../../../../src/api/ledger/LedgerMessage.ts"
import type * as Batches from "../../../../src/api/orders/BatchMessage.ts"
import type { PollerMessage } from "../../../../src/api/polling/PollerMessage.ts"
import type * as Quarantine from "../../../../src/api/quarantine/QuarantineMessage.ts"
import type * as Risk from "../../../../src/api/risk/RiskMessage.ts"
import type * as Funding from "../../../../src/api/wallets/FundingMessage.ts"
import { UserAdministration } from "../../../../src/accounts/UserAdministration.ts"
import { EffexClient } from "../../../../src/client/EffexClient.ts"
import type * as Operation from "../../../../src/client/promise/admin/OperationValues.ts"
import type * as AdminValues from "../../../../src/client/promise/admin/AdminValues.ts"
import type * as LedgerValues from "../../../../src/client/promise/admin/LedgerValues.ts"
import type * as RiskValues from "../../../../src/client/promise/admin/RiskValues.ts"
import type * as SettlementValues from "../../../../src/client/promise/admin/SettlementValues.ts"
import { connectAdmin } from "../../../../src/client/promise/ConnectAdmin.ts"
import { SessionEnded } from "../../../../src/client/promise/EffexError.ts"
import * as Callers from "../../../support/Callers.ts"
import * as TestAccounts from "../../../support/TestAccounts.ts"
import { TestServer } from "../../../support/TestServer.ts"
import { errorOf } from "../ClientErrors.ts"
import { type Encoded, isDecoded } from "../DecodedMessage.ts"

const PASSWORD = Redacted.value(TestAccounts.account("any").password)

it("decodes messages for administrators to the client's types", () => {
  isDecoded<Encoded<typeof Users.ManagedUserMessage>, AdminValues.ManagedUser>(true)
  isDecoded<Encoded<typeof Users.AdminActionMessage>, AdminValues.AdminAction>(true)
  isDecoded<Encoded<typeof Funding.ManagedFundingMessage>, AdminValues.ManagedFunding>(true)
  isDecoded<Encoded<typeof Ledger.LedgerAccountMessage>, LedgerValues.LedgerAccount>(true)
  isDecoded<Encoded<typeof Ledger.LedgerEntryMessage>, LedgerValues.LedgerEntry>(true)
  isDecoded<Encoded<typeof Ledger.TrialBalanceMessage>, LedgerValues.TrialBalance>(true)
  isDecoded<Encoded<typeof Ledger.LedgerVerificationMessage>, LedgerValues.LedgerVerification>(true)
  isDecoded<Encoded<typeof Ledger.AdjustmentMessage>, LedgerValues.Adjustment>(true)
  isDecoded<Encoded<typeof Risk.ReviewMessage>, RiskValues.Review>(true)
  isDecoded<Encoded<typeof Risk.RiskDecisionMessage>, RiskValues.RiskDecision>(true)
  isDecoded<Encoded<typeof Quarantine.QuarantineMessage>, Operation.QuarantinedRate>(true)
  isDecoded<Encoded<typeof Quarantine.QuarantineRecordMessage>, Operation.QuarantineRecord>(true)
  isDecoded<Encoded<typeof PollerMessage>, Operation.Poller>(true)
  isDecoded<Encoded<typeof Assets.AssetChangeMessage>, AdminValues.CatalogChange>(true)
  isDecoded<Encoded<typeof Batches.BatchMessage>, SettlementValues.Batch>(true)
  isDecoded<Encoded<typeof Batches.BatchDetailMessage>, SettlementValues.BatchDetail>(true)
  isDecoded<Encoded<typeof Assets.CatalogAssetMessage>, AdminValues.CatalogAsset>(true)
  isDecoded<Encoded<typeof Keys.KeyMessage>, Operation.ApiKey>(true)
  isDecoded<Encoded<typeof Keys.CreatedKeyMessage>, Operation.CreatedApiKey>(true)
  isDecoded<Encoded<typeof Overview.OverviewMessage>, Operation.Overview>(true)
  isDecoded<Encoded<typeof Overview.ActiveSettingMessage>, Operation.ActiveSetting>(true)
})

/** Creates an administrator, and signs a client in. */
const signInAdmin = Effect.fnUntraced(function* (username: string) {
  const { create } = yield* UserAdministration
  yield* create(TestAccounts.account(username), "admin", "cli:test")
  const { url } = yield* TestServer
  const effex = connectAdmin(url)
  yield* Effect.promise(() => effex.accounts.login({ username, password: PASSWORD }))
  return effex
})

layer(TestServer.layer({ FUNDING: "manual", LEDGER_ADJUSTMENT_LIMIT: "10" }), { excludeTestServices: true })(
  "connectAdmin, against a server",
  (it) => {
    it.effect("administers users, and lists its actions", () =>
      Effect.gen(function* () {
        const { url } = yield* TestServer
        const { admin } = yield* signInAdmin("boss")
        yield* Effect.promise(async () => {
          const user = connectAdmin(url)
          const { id } = await user.accounts.register({ username: "worker", password: PASSWORD })
          assert.strictEqual((await errorOf(user.admin.users.get(id))).code, "forbidden")
          const reason = { reason: "Lost phone" }
          assert.instanceOf((await admin.users.lock(id, reason)).lockedAt, Date)
          assert.instanceOf(await errorOf(user.wallet()), SessionEnded)
          assert.deepInclude(await admin.users.get(id), { username: "worker", role: "user" })
          assert.isNull((await admin.users.unlock(id, reason)).lockedAt)
          await admin.users.resetMfa(id, reason)
          await admin.users.endSessions(id, reason)
          assert.strictEqual((await admin.users.setRole(id, { ...reason, role: "admin" })).role, "admin")
          const found = []
          for await (const { username } of admin.users.list({ prefix: "w", pageSize: 1 }))
            found.push(username)
          assert.deepStrictEqual(found, ["worker"])
          const actions = []
          for await (const { action, at, reason } of admin.actions({ subject: id })) {
            assert.instanceOf(at, Date)
            assert.strictEqual(reason, "Lost phone")
            actions.push(action)
          }
          assert.lengthOf(actions, 5)
          const wrong = errorOf(admin.users.lock(id, Object({ because: "x" })))
          assert.deepInclude(await wrong, { code: "invalid-option" })
        })
      })
    )

    it.effect("decides on deposits, and corrects and verifies the ledger", () =>
      Effect.gen(function* () {
        const { url } = yield* TestServer
        const { admin } = yield* signInAdmin("first-boss")
        const second = yield* signInAdmin("second-boss")
        yield* Effect.promise(async () => {
          const user = connectAdmin(url)
          await user.accounts.register({ username: "payer", password: PASSWORD })
          const deposit = await user.funding.deposit({ amount: "50" })
          assert.strictEqual(deposit.state, "pending")
          const other = await user.funding.deposit({ amount: "60" })
          const pending = await admin.funding.list({ state: "pending", direction: "deposit" }).page()
          assert.lengthOf(pending.data, 2)
          const confirmed = await admin.funding.confirm(deposit.id, { reference: "BANK-1" })
          assert.deepInclude(confirmed, { state: "completed", username: "payer", reference: "BANK-1" })
          const refused = await admin.funding.refuse(other.id, { reason: "No payment" })
          assert.deepInclude(refused, { state: "failed", reason: "No payment" })

          const { walletId } = await user.wallet()
          let account
          for await (const found of admin.ledger.accounts({ pageSize: 2 }))
            if (found.owner === walletId) account = found
          assert.deepInclude(account, { asset: "USD", balance: "50" })
          const id = account?.id ?? ""
          assert.instanceOf((await admin.ledger.freeze(id, { reason: "Check" })).frozenAt, Date)
          assert.isNull((await admin.ledger.unfreeze(id, { reason: "Fine" })).frozenAt)
          const [entry] = (await admin.ledger.entries(id).page()).data
          assert.deepInclude(entry, { amount: "50", kind: "deposit" })
          const transfer = await admin.ledger.transfer(entry?.transferId ?? "")
          assert.lengthOf(transfer.entries, 2)
          assert.property(transfer.details, "funding_id")
          const correction = { account: id, amount: "-20", reason: "Paid twice", idempotencyKey: "fix-1" }
          const adjustment = await admin.ledger.adjust(correction)
          assert.strictEqual(adjustment.state, "pending")
          assert.deepStrictEqual(await admin.ledger.adjust(correction), adjustment)
          const decided = await second.admin.ledger.approveAdjustment(adjustment.id, { reason: "Seen" })
          assert.strictEqual(decided.state, "posted")
          const large = await admin.ledger.adjust({ account: id, amount: "1000", reason: "Typing error" })
          const rejected = await second.admin.ledger.rejectAdjustment(large.id, { reason: "No" })
          assert.strictEqual(rejected.state, "rejected")
          assert.lengthOf((await admin.ledger.adjustments({ state: "posted" }).page()).data, 1)
          assert.strictEqual((await admin.ledger.account(id)).balance, "30")
          assert.isTrue((await admin.ledger.trialBalance()).balanced)
          assert.instanceOf((await admin.ledger.trialBalance(new Date())).at, Date)
          assert.isTrue((await admin.ledger.verify()).ok)
        })
      })
    )

    it.effect("creates and revokes API keys, and reads the state of the service and of a user", () =>
      Effect.gen(function* () {
        const { url } = yield* TestServer
        const { admin } = yield* signInAdmin("key-boss")
        yield* Effect.promise(async () => {
          const created = await admin.keys.create({
            name: "shop",
            scopes: ["admin"],
            lifetime: "1 hour",
            reason: "New shop"
          })
          assert.instanceOf(created.expiresAt, Date)
          const shop = connectAdmin(url, { apiKey: created.key })
          const [first] = (await shop.admin.keys.list({ pageSize: 1 }).page()).data
          assert.deepInclude(first, { id: created.id, endsWith: created.key.slice(-4), revokedAt: null })
          assert.strictEqual(
            (await errorOf(shop.admin.keys.create({ name: "x", scopes: ["admin"], reason: "x" }))).code,
            "forbidden"
          )
          assert.instanceOf((await admin.keys.revoke(created.id, { reason: "Closed" })).revokedAt, Date)

          const overview = await admin.overview()
          assert.instanceOf(overview.asOf, Date)
          assert.deepInclude(overview.instance, { funding: "manual" })
          const limit = (await admin.settings()).find(({ name }) => name === "LEDGER_ADJUSTMENT_LIMIT")
          assert.deepInclude(limit, { value: "10", source: "environment" })

          assert.isArray((await admin.audit.conversions().page()).data)

          const user = connectAdmin(url)
          const { id } = await user.accounts.register({ username: "holder", password: PASSWORD })
          const funding = await user.funding.deposit({ amount: "7" })
          await admin.funding.confirm(funding.id, { reference: "BANK-7" })
          assert.deepInclude((await admin.users.wallet(id)).balances[0], { asset: "USD", balance: "7.00" })
          const [movement] = (await admin.users.transactions(id, { pageSize: 1 }).page()).data
          assert.deepInclude(movement, { type: "deposit", change: "7.00" })
          await user.accounts.login({ username: "holder", password: PASSWORD })
          const [event] = (await admin.users.securityEvents(id).page()).data
          assert.strictEqual(event?.event, "signed-in")
          assert.strictEqual((await errorOf(admin.users.wallet("nobody"))).code, "not-found")
        })
      })
    )

    it.effect("changes the catalogue of assets, also with an API key", () =>
      Effect.gen(function* () {
        const { url } = yield* TestServer
        const { authorization } = yield* Callers.withScopes("admin")
        const { admin } = connectAdmin(url, { apiKey: authorization.replace("Bearer ", "") })
        yield* Effect.promise(async () => {
          const definition = { kind: "crypto", name: "Bitcoin", decimals: 8, minimumOrder: "0.0001" } as const
          const listed = await admin.assets.put("BTC", definition)
          assert.deepInclude(listed, { code: "BTC", minimumOrder: "0.0001", state: "listed", version: 1 })
          assert.deepStrictEqual(await admin.assets.get("btc"), listed)
          const stale = await errorOf(admin.assets.delist("BTC", { ifVersion: 7 }))
          assert.strictEqual(stale.code, "precondition-failed")
          assert.strictEqual((await admin.assets.delist("BTC", { ifVersion: 1 })).state, "delisted")
          const [change] = (await admin.assets.changes("BTC", { pageSize: 1 }).page()).data
          assert.deepStrictEqual([change?.from?.state, change?.to.state], ["listed", "delisted"])
        })
      })
    )

    it.effect("changes the schedule of the poller and the rules for movements", () =>
      Effect.gen(function* () {
        const { admin } = yield* signInAdmin("operator")
        yield* Effect.promise(async () => {
          const before = await admin.poller.get()
          assert.strictEqual(before.source, "setting")
          const setting = { interval: "7 minutes", enabled: false }
          const changed = await admin.poller.change(setting, { ifVersion: before.version })
          assert.deepInclude(changed, { ...setting, source: "database" })
          const stale = await errorOf(admin.poller.reset({ ifVersion: before.version }))
          assert.strictEqual(stale.code, "precondition-failed")
          const reset = await admin.poller.reset({ reason: "Month over" })
          assert.strictEqual(reset.source, "setting")
          const [action] = (await admin.actions({ subject: "poller" }).page()).data
          assert.deepInclude(action, { action: "poller.reset", reason: "Month over" })
          assert.lengthOf((await admin.poller.changes().page()).data, 2)
          const poll = await admin.poller.run()
          assert.strictEqual(poll.trigger, "demand")
          assert.instanceOf(poll.startedAt, Date)

          const { rules, version } = await admin.risk.rules()
          const velocity = { ...rules["velocity"], hour_count: 12 }
          const stored = await admin.risk.changeRules({ ...rules, velocity }, { ifVersion: version })
          assert.deepStrictEqual(stored.rules, { ...rules, velocity })
          assert.strictEqual(stored.source, "database")
          assert.deepStrictEqual((await admin.risk.resetRules()).rules, rules)
          assert.isEmpty((await admin.risk.decisions({ walletId: poll.runId }).page()).data)
        })
      })
    )

    it.effect("decides on quarantined rates", () =>
      Effect.gen(function* () {
        const { admin } = yield* signInAdmin("rate-keeper")
        yield* Effect.promise(async () => {
          assert.isEmpty((await admin.quarantine.list({ status: "pending", from: "USD" }).page()).data)
          const unknown = "01a22981-45e1-75da-8c6d-bd3c483116f2"
          for (const call of [
            admin.quarantine.get(unknown),
            admin.quarantine.accept(unknown),
            admin.quarantine.reject(unknown, { reason: "Wrong" })
          ])
            assert.strictEqual((await errorOf(call)).code, "not-found")
        })
      })
    )

    it.effect("has the same calls with Effect", () =>
      Effect.gen(function* () {
        const { url } = yield* TestServer
        yield* signInAdmin("effect-boss")
        yield* Effect.gen(function* () {
          const { accounts, admin } = yield* EffexClient
          yield* accounts.login({ username: "effect-boss", password: PASSWORD })
          const users = yield* Stream.runCollect(admin.users.list({ prefix: "effect" }))
          assert.strictEqual(users[0]?.role, "admin")
          const { assets } = yield* admin.ledger.trialBalance()
          for (const { total } of assets) assert.isTrue(BigDecimal.isZero(total))
          const error = yield* Effect.flip(admin.users.lock(users[0]?.id ?? "", { reason: "" }))
          assert.strictEqual(error._tag, "InvalidRequest")
        }).pipe(Effect.provide(Layer.fresh(EffexClient.layer({ url }))))
      })
    )
  }
)
