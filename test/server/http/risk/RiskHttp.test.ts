import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { FundingSettler } from "../../../../src/wallets/funding/FundingSettler.ts"
import * as Callers from "../../../support/Callers.ts"
import { assertProblem, get, TestServer } from "../../../support/TestServer.ts"
import * as WalletUsers from "../../../support/WalletUsers.ts"

const RULES = "/api/v1/admin/risk/rules"

/** Sends requests as an administrator. */
const administrator = Effect.map(Callers.user("administrator"), ({ authorization = "" }) => {
  const send =
    (method: string) =>
    (path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}) =>
      get(path, {
        method,
        headers: { authorization, "content-type": "application/json", ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) })
      })
  return { get: send("GET"), post: send("POST"), put: send("PUT"), delete: send("DELETE") }
})

// Holds expire by the time of the database, and so does the server.
layer(TestServer.layer({ RISK_REVIEW_VALUE: "100", RISK_DAY_VALUE: "1000", RISK_HOUR_VALUE: "1000" }), {
  excludeTestServices: true
})("Risk over HTTP", (it) => {
  it.effect("holds what a new account moves, and shows the sender what an administrator decides", () =>
    Effect.gen(function* () {
      const admin = yield* administrator
      const sender = yield* WalletUsers.create("sender", { USD: "500" })
      const recipient = yield* WalletUsers.create("recipient")
      const send = (amount: string, key: string) =>
        sender.post(
          "/api/v1/transfers",
          { to: "recipient", asset: "USD", amount },
          { "idempotency-key": key }
        )
      assert.strictEqual((yield* send("99.99", "small")).status, 201)
      const held = yield* send("350", "large")
      assert.strictEqual(held.status, 202)
      assert.include(held.json, {
        state: "held-for-review",
        type: "transfer",
        amount: "350.00",
        counterparty: "recipient",
        transaction_id: null
      })
      const replay = yield* send("350", "large")
      assert.strictEqual(replay.status, 202)
      assert.strictEqual(replay.headers.get("idempotency-replayed"), "true")
      const id = String(held.json["id"])
      assert.include((yield* sender.get(`/api/v1/transfers/${id}`)).json, { state: "held-for-review" })
      // Neither the recipient nor strangers see it.
      assertProblem(yield* recipient.get(`/api/v1/transfers/${id}`), 404, "not-found")
      const { json: wallet } = yield* sender.get("/api/v1/accounts/wallet")
      assert.include(JSON.stringify(wallet), '"held":"350.00"')

      const listed = yield* admin.get("/api/v1/admin/reviews?state=pending")
      assert.include(listed.text, '"rule":"new_account"')
      const review = `/api/v1/admin/reviews/${id}`
      assert.include((yield* admin.get(review)).json, {
        state: "pending",
        username: "sender",
        amount: "350.00"
      })
      assertProblem(yield* admin.post(`${review}/approve`, { reason: " " }), 400, "invalid-request")
      const approved = yield* admin.post(`${review}/approve`, { reason: "called" })
      assert.include(approved.json, { state: "approved", reason: "called" })
      assertProblem(yield* admin.post(`${review}/reject`, { reason: "late" }), 409, "already-decided")
      assert.include((yield* sender.get(`/api/v1/transfers/${id}`)).json, {
        state: "completed",
        transaction_id: approved.json["transfer_id"]
      })
      assert.deepStrictEqual(yield* recipient.balances, ["USD 449.99"])
      assert.include((yield* admin.get("/api/v1/admin/actions")).text, "risk.review.approve")
    })
  )

  it.effect("a held withdrawal is paid after the approval, and fails after the rejection", () =>
    Effect.gen(function* () {
      const admin = yield* administrator
      const { settleDue } = yield* FundingSettler
      for (const [how, state, balance] of [
        ["approve", "completed", "USD 0"],
        ["reject", "failed", "USD 200"]
      ] as const) {
        const user = yield* WalletUsers.create(`withdrawer-${how}`, { USD: "200" })
        const requested = yield* get("/api/v1/accounts/wallet/withdraw", {
          method: "PATCH",
          headers: { authorization: user.authorization, "content-type": "application/json" },
          body: JSON.stringify({ amount: "200" })
        })
        assert.strictEqual(requested.status, 202, requested.text)
        const id = String(requested.json["id"])
        const request = Effect.map(
          user.get(`/api/v1/accounts/wallet/funding/${id}`),
          ({ json }) => json["state"]
        )
        // The settler does not pay it before the decision, however often it looks.
        for (let turn = 0; turn < 3; turn++) yield* settleDue
        assert.strictEqual(yield* request, "pending")
        assert.strictEqual(
          (yield* admin.post(`/api/v1/admin/reviews/${id}/${how}`, { reason: "checked" })).status,
          200
        )
        while ((yield* request) === "pending") yield* settleDue
        assert.strictEqual(yield* request, state)
        assert.deepStrictEqual(yield* user.balances, [balance])
      }
    })
  )

  it.effect("refuses to approve a withdrawal that an administrator has refused", () =>
    Effect.gen(function* () {
      const admin = yield* administrator
      const user = yield* WalletUsers.create("refused-before", { USD: "200" })
      const requested = yield* user.patch("/api/v1/accounts/wallet/withdraw", { amount: "200" })
      assert.strictEqual(requested.status, 202, requested.text)
      const id = String(requested.json["id"])
      const refused = yield* admin.post(`/api/v1/admin/funding/${id}/refuse`, { reason: "wrong account" })
      assert.strictEqual(refused.status, 200, refused.text)
      const review = `/api/v1/admin/reviews/${id}`
      assert.strictEqual(
        assertProblem(yield* admin.post(`${review}/approve`, { reason: "checked" }), 422, "review-refused")[
          "title"
        ],
        "The decision cannot be carried out"
      )
      assert.include((yield* admin.get(review)).json, { state: "pending" })
      const rejected = yield* admin.post(`${review}/reject`, { reason: "refused before" })
      assert.include(rejected.json, { state: "rejected" })
      assert.deepStrictEqual(yield* user.balances, ["USD 200"])
    })
  )

  it.effect("denies beyond a limit with what is left and until when, and nothing else", () =>
    Effect.gen(function* () {
      const user = yield* WalletUsers.create("limited", { USD: "100000" })
      yield* WalletUsers.create("unlimited")
      const send = (amount: string) =>
        user.post("/api/v1/transfers", { to: "unlimited", asset: "USD", amount })
      assert.strictEqual((yield* send("900")).status, 201)
      const { json, status } = yield* send("100.01")
      assert.strictEqual(status, 403)
      assert.include(json, { code: "limit-exceeded", remaining: "100.00", unit: "USD" })
      assert.match(String(json["resets_at"]), /T00:00:00\.000Z$/)
      assert.notMatch(JSON.stringify(json), /velocity|rule"|review/)
      assert.strictEqual((yield* send("100")).status, 201)
    })
  )

  it.effect("denies conversions beyond a limit, and a retry gets the denial", () =>
    Effect.gen(function* () {
      const user = yield* WalletUsers.create("converter", { USD: "5000" })
      const convert = (amount: string, key: string) =>
        user.post(
          "/api/v1/accounts/wallet/convert",
          { from: "USD", to: "NGN", amount },
          { "idempotency-key": key }
        )
      assert.strictEqual((yield* convert("900", "first")).status, 201)
      for (let attempt = 0; attempt < 2; attempt++) {
        const { json, status } = yield* convert("101", "second")
        assert.strictEqual(status, 403)
        assert.include(json, { code: "limit-exceeded", remaining: "100.00" })
      }
      const results = yield* Effect.forEach([1, 2, 3, 4], (n) => convert("50", `concurrent ${n}`), {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(results.map(({ status }) => status).toSorted(), [201, 201, 403, 403])
    })
  )

  it.effect("changes and resets the rules, and rejects lost updates and invalid rules", () =>
    Effect.gen(function* () {
      const admin = yield* administrator
      const first = yield* admin.get(RULES)
      assert.include(first.json, { source: "setting", version: 0, changed_by: null })
      const etag = first.headers.get("etag") ?? ""
      const rules = first.json["rules"] as Record<string, Record<string, unknown>>
      const strict = { ...rules, velocity: { ...rules["velocity"], hour_value: "5" } }
      const changed = yield* admin.put(RULES, strict, { "if-match": etag })
      assert.include(changed.json, { source: "database", version: 1 })
      assert.deepStrictEqual(changed.json["rules"], strict)
      assertProblem(yield* admin.put(RULES, rules, { "if-match": etag }), 412, "precondition-failed")
      const user = yield* WalletUsers.create("ruled", { USD: "100" })
      yield* WalletUsers.create("ruler")
      const send = user.post("/api/v1/transfers", { to: "ruler", asset: "USD", amount: "6" })
      assert.strictEqual((yield* send).status, 403)
      for (const invalid of [
        {},
        { ...rules, velocity: { ...rules["velocity"], hour_value: "-1" } },
        { ...rules, velocity: { ...rules["velocity"], outcome: "maybe" } },
        { ...rules, new_account: { ...rules["new_account"], share: "1.1" } },
        { ...rules, circular_transfer: { ...rules["circular_transfer"], window: "forever" } },
        { ...rules, unknown: {} }
      ])
        assertProblem(yield* admin.put(RULES, invalid), 400, "invalid-request")
      assert.include((yield* admin.delete(RULES)).json, { source: "setting", version: 2 })
      assert.strictEqual((yield* send).status, 201)
      assert.include((yield* admin.get("/api/v1/admin/risk/decisions")).text, '"detail":"hour_value"')
    })
  )
})
