import { assert, describe, layer } from "@effect/vitest"
import { BigDecimal, Effect, Option } from "effect"
import { AssetCode } from "../../../../src/domain/money/Asset.ts"
import { Ledger } from "../../../../src/ledger/Ledger.ts"
import * as Callers from "../../../support/Callers.ts"
import * as Postings from "../../../support/Postings.ts"
import { assertProblem, get, TestServer } from "../../../support/TestServer.ts"

const LEDGER = "/api/v1/admin/ledger"

const as = ({ authorization }: Callers.TestCaller) => {
  const credentials = authorization === undefined ? {} : { authorization }
  return (path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}) =>
    body === undefined
      ? get(LEDGER + path, { headers: credentials })
      : get(LEDGER + path, {
          method: "POST",
          body: JSON.stringify(body),
          headers: { "content-type": "application/json", ...credentials, ...headers }
        })
}

const twoAdministrators = Effect.gen(function* () {
  return {
    first: as(yield* Callers.user("administrator")),
    second: as(yield* Callers.user("administrator"))
  }
})

layer(TestServer.layer({ LEDGER_ADJUSTMENT_LIMIT: "5" }), { excludeTestServices: true })((it) => {
  describe("/api/v1/admin/ledger", () => {
    it.effect("returns accounts, entries, transfers and the trial balance of now and then", () =>
      Effect.gen(function* () {
        const { first } = yield* twoAdministrators
        const { accounts, house } = yield* Postings.openFunded("EUR", ["10", "0"])
        const [a, b] = accounts
        const before = new Date(Date.now() + 50).toISOString()
        yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 100)))
        const [outcome] = yield* (yield* Ledger).post([Postings.move(a, b, "4.5")])
        assert(outcome?._tag === "Posted")

        const account = yield* first(`/accounts/${a}/`)
        assert.deepInclude(account.json, { id: a, balance: "5.5", available: "5.5", held: "0", version: "2" })
        const page = yield* first("/accounts?page_size=1")
        assert.isTrue(page.json["has_more"])
        const entries = yield* first(`/accounts/${a}/entries?page_size=1`)
        assert.deepInclude(JSON.parse(entries.text).data[0], { amount: "-4.5", balance: "5.5", version: "2" })
        const older = yield* first(`/accounts/${a}/entries?cursor=${String(entries.json["next"])}`)
        assert.deepInclude(JSON.parse(older.text).data[0], { amount: "10", version: "1" })
        const transfer = yield* first(`/transfers/${outcome.id}`)
        assert.strictEqual(JSON.parse(transfer.text).entries.length, 2)

        const balanceOf = (text: string, role: string) =>
          JSON.parse(text)
            .assets.find(({ asset }: { asset: string }) => asset === "EUR")
            .roles.find((row: { role: string }) => row.role === role)
        const now = yield* first("/trial-balance")
        assert.isTrue(now.json["balanced"])
        assert.deepInclude(balanceOf(now.text, "funding"), { balance: "-10" })
        const then = yield* first(`/trial-balance?at=${before}`)
        assert.isTrue(then.json["balanced"])
        assert.deepInclude(balanceOf(then.text, "user"), { balance: "10" })
        const never = yield* first("/trial-balance?at=2020-01-01")
        assert.deepInclude(balanceOf(never.text, "user"), { balance: "0" })
        assert.strictEqual((yield* first(`/accounts/${house}`)).status, 200)
        assert.deepInclude((yield* first("/verify")).json, { ok: true })
      })
    )

    it.effect("returns 404 for ids that do not exist or are malformed", () =>
      Effect.gen(function* () {
        const { first } = yield* twoAdministrators
        for (const path of [
          "/accounts/999999",
          "/accounts/0",
          "/accounts/9999999999999999999",
          "/accounts/x/entries",
          "/transfers/x"
        ])
          assertProblem(yield* first(path), 404, "not-found")
        assertProblem(yield* first("/adjustments/x/approve", { reason: "r" }), 404, "not-found")
        assertProblem(yield* first("/accounts/999999/freeze", { reason: "r" }), 404, "not-found")
      })
    )

    it.effect("posts an adjustment up to the limit, once for each Idempotency-Key", () =>
      Effect.gen(function* () {
        const { first } = yield* twoAdministrators
        const { accounts, balances } = yield* Postings.openFunded("USD", ["10"])
        const body = { account: accounts[0], amount: "-2.5", reason: "credited twice" }
        const key = { "idempotency-key": `adjust-${accounts[0]}` }
        const posted = yield* first("/adjustments", body, key)
        assert.strictEqual(posted.status, 201, posted.text)
        assert.deepInclude(posted.json, { state: "posted", decided_by: null, amount: "-2.5", asset: "USD" })
        assert.deepStrictEqual((yield* first("/adjustments", body, key)).json, posted.json)
        assertProblem(
          yield* first("/adjustments", { ...body, amount: "-3" }, key),
          422,
          "idempotency-mismatch"
        )
        assert.deepStrictEqual(yield* balances, ["7.5"])
        const transfer = yield* first(`/transfers/${String(posted.json["id"])}`)
        assert.deepInclude(transfer.json, { kind: "adjustment" })
      })
    )

    it.effect("posts an adjustment once for the Idempotency-Key of API keys with one name", () =>
      Effect.gen(function* () {
        const requester = as(yield* Callers.withScopes("admin"))
        const renewed = as(yield* Callers.withScopes("admin"))
        const { accounts, balances } = yield* Postings.openFunded("USD", ["10"])
        const body = { account: accounts[0], amount: "-2.5", reason: "credited twice" }
        const key = { "idempotency-key": `renewed-${accounts[0]}` }
        const [first, again] = yield* Effect.all(
          [requester("/adjustments", body, key), renewed("/adjustments", body, key)],
          { concurrency: 2 }
        )
        assert.strictEqual(first.status, 201, first.text)
        assert.deepStrictEqual(again.json, first.json)
        assert.deepStrictEqual(yield* balances, ["7.5"])
      })
    )

    it.effect("refuses amounts that are 0, have too many decimals or are not there", () =>
      Effect.gen(function* () {
        const { first } = yield* twoAdministrators
        const { accounts } = yield* Postings.openFunded("USD", ["1"])
        const adjust = (amount: string, account: string = accounts[0]) =>
          first("/adjustments", { account, amount, reason: "test" })
        for (const amount of ["0", "0.001", "1e3", "--1", "+1", "", "NaN"])
          assertProblem(yield* adjust(amount), 400, "invalid-request")
        assertProblem(yield* adjust("-2"), 422, "adjustment-refused")
        assertProblem(yield* adjust("1", "999999"), 404, "not-found")
        const invalid = yield* adjust("1", "wallet")
        assertProblem(invalid, 400, "invalid-request")
        assert.include(invalid.text, "must be the id of a ledger account")
        assertProblem(
          yield* first("/adjustments", { account: accounts[0], amount: "1", reason: " " }),
          400,
          "invalid-request"
        )
      })
    )

    it.effect("needs a second administrator above the limit, who decides once", () =>
      Effect.gen(function* () {
        const { first, second } = yield* twoAdministrators
        const { accounts, balances } = yield* Postings.openFunded("USD", ["10"])
        const adjust = (amount: string) =>
          first("/adjustments", { account: accounts[0], amount, reason: "test" })
        const pending = yield* adjust("5.01")
        assert.deepInclude(pending.json, { state: "pending" })
        assert.deepStrictEqual(yield* balances, ["10"])
        const id = String(pending.json["id"])
        const reason = { reason: "checked" }
        assertProblem(yield* first(`/adjustments/${id}/approve`, reason), 403, "forbidden")
        const statuses = yield* Effect.all(
          [second(`/adjustments/${id}/approve`, reason), second(`/adjustments/${id}/reject`, reason)],
          { concurrency: 2 }
        )
        assert.deepStrictEqual(statuses.map(({ status }) => status).toSorted(), [200, 409])
        const other = String((yield* adjust("-100")).json["id"])
        assertProblem(yield* second(`/adjustments/${other}/approve`, reason), 422, "adjustment-refused")
        const rejected = yield* second(`/adjustments/${other}/reject/`, reason)
        assert.deepInclude(rejected.json, { state: "rejected", decision_reason: "checked" })
        const listed = yield* second("/adjustments?state=rejected&page_size=1")
        assert.deepInclude(JSON.parse(listed.text).data[0], { id: other })
      })
    )

    it.effect(
      "the owner of an API key does not decide on what it requested with another key of the same name",
      () =>
        Effect.gen(function* () {
          const requester = as(yield* Callers.withScopes("admin"))
          const renewed = as(yield* Callers.withScopes("admin"))
          const other = as(yield* Callers.withScopes("admin", "rates:read"))
          const { accounts, balances } = yield* Postings.openFunded("USD", ["10"])
          const pending = yield* requester("/adjustments", {
            account: accounts[0],
            amount: "6",
            reason: "test"
          })
          const path = `/adjustments/${String(pending.json["id"])}`
          for (const decision of ["approve", "reject"])
            assertProblem(yield* renewed(`${path}/${decision}`, { reason: "test" }), 403, "forbidden")
          assert.deepStrictEqual(yield* balances, ["10"])
          assert.strictEqual((yield* other(`${path}/approve`, { reason: "test" })).status, 200)
          assert.deepStrictEqual(yield* balances, ["16"])
        })
    )

    it.effect("an administrator neither posts nor approves an adjustment of their own wallet", () =>
      Effect.gen(function* () {
        const owner = yield* Callers.user("administrator")
        const { authorization } = owner
        assert(authorization !== undefined)
        const wallet = yield* get("/api/v1/accounts/wallet", { headers: { authorization } })
        const { accountById, openAccounts } = yield* Ledger
        const [account] = yield* openAccounts([
          {
            owner: String(wallet.json["wallet_id"]),
            role: "user",
            asset: AssetCode.make("USD"),
            minBalance: "0"
          }
        ])
        assert(account !== undefined)
        const { first: other } = yield* twoAdministrators
        const reason = { reason: "test" }
        const request = (administrator: ReturnType<typeof as>, amount: string) =>
          administrator("/adjustments", { account, amount, ...reason })
        const own = yield* request(as(owner), "1")
        assert.deepInclude(own.json, { state: "pending" })
        const foreign = yield* request(other, "6")
        for (const { json } of [own, foreign])
          for (const decision of ["approve", "reject"])
            assertProblem(
              yield* as(owner)(`/adjustments/${String(json["id"])}/${decision}`, reason),
              403,
              "forbidden"
            )
        const balance = Effect.map(accountById(account), (found) =>
          BigDecimal.format(Option.getOrThrow(found).balance)
        )
        assert.strictEqual(yield* balance, "0")
        const approved = yield* other(`/adjustments/${String(own.json["id"])}/approve`, reason)
        assert.deepInclude(approved.json, { state: "posted" })
        assert.strictEqual(yield* balance, "1")
      })
    )

    it.effect("freezes an account, and records who did it", () =>
      Effect.gen(function* () {
        const { first } = yield* twoAdministrators
        const { accounts } = yield* Postings.openFunded("USD", ["10"])
        const frozen = yield* first(`/accounts/${accounts[0]}/freeze`, { reason: "stolen" })
        assert.isString(frozen.json["frozen_at"])
        assertProblem(
          yield* first("/adjustments", { account: accounts[0], amount: "1", reason: "test" }),
          422,
          "adjustment-refused"
        )
        const released = yield* first(`/accounts/${accounts[0]}/unfreeze/`, { reason: "found" })
        assert.isNull(released.json["frozen_at"])
      })
    )
  })
})
