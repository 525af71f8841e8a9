import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import * as Callers from "../../../support/Callers.ts"
import { assertProblem, get, type ServerResponse, TestServer } from "../../../support/TestServer.ts"
import * as TestFunding from "../../../support/TestFunding.ts"
import * as WalletUsers from "../../../support/WalletUsers.ts"

const WALLET = "/api/v1/accounts/wallet"
const ADMIN = "/api/v1/admin/funding"

type User = Effect.Success<ReturnType<typeof WalletUsers.create>>

const deposit = (user: User, body: object, key?: string) =>
  user.patch(`${WALLET}/deposit`, body, key === undefined ? {} : { "idempotency-key": key })
const withdraw = (user: User, body: object, key?: string) =>
  user.patch(`${WALLET}/withdraw`, body, key === undefined ? {} : { "idempotency-key": key })

const administrator = Effect.gen(function* () {
  const { authorization = "" } = yield* Callers.user("administrator")
  const headers = { authorization, "content-type": "application/json" }
  return {
    list: (query: string) => get(`${ADMIN}?${query}`, { headers }),
    post: (id: unknown, action: "confirm" | "refuse", body: object) =>
      get(`${ADMIN}/${String(id)}/${action}`, { method: "POST", headers, body: JSON.stringify(body) }),
    get: (path: string) => get(path, { headers })
  }
})

const rowsOf = ({ text }: ServerResponse): ReadonlyArray<Readonly<Record<string, unknown>>> =>
  JSON.parse(text).data

const assertEnded = (response: ServerResponse, state: string, reference: string | null) => {
  const { state: found, reference: foundReference, reason: _, ...problem } = response.json
  assertProblem({ ...response, json: problem }, 409, "funding-ended")
  assert.deepStrictEqual([found, foundReference], [state, reference])
}

layer(TestServer.layer({ FUNDING: "sandbox" }), { excludeTestServices: true })("With the sandbox", (it) => {
  describe("PATCH /api/v1/accounts/wallet/deposit", () => {
    it.effect("credits at once, says that it is sandbox money, and returns the balance", () =>
      Effect.gen(function* () {
        const ann = yield* WalletUsers.create("ann")
        const first = yield* deposit(ann, { amount: "500" })
        assert.strictEqual(first.status, 200, first.text)
        assert.strictEqual(first.headers.get("cache-control"), "no-store")
        const { created_at: _, settled_at: __, id, transaction_id: transaction, ...fields } = first.json
        assert.deepStrictEqual(fields, {
          direction: "deposit",
          state: "completed",
          asset: "USD",
          amount: "500.00",
          sandbox: true,
          note: null,
          reference: `sandbox:${String(id)}`,
          reason: null,
          balance: "500.00",
          held: "0.00",
          available: "500.00"
        })
        yield* TestFunding.list("ETH", 18)
        const wei = yield* deposit(ann, { amount: "0.000000000000000001", asset: "eth" })
        assert.deepInclude(wei.json, { asset: "ETH", balance: "0.000000000000000001" })
        assert.deepInclude((yield* deposit(ann, { amount: 0.5 })).json, { balance: "500.50" })
        const { details } = (yield* (yield* administrator).get(
          `/api/v1/admin/ledger/transfers/${String(transaction)}`
        )).json
        assert.deepStrictEqual(details, { funding_id: id, reference: fields.reference, sandbox: true })
      })
    )

    it.effect("returns the first request for a used key", () =>
      Effect.gen(function* () {
        const ann = yield* WalletUsers.create("keys-ann")
        const first = yield* deposit(ann, { amount: "10" }, "key")
        const again = yield* deposit(ann, { amount: "10.00", asset: "usd" }, "key")
        assert.strictEqual(again.text, first.text)
        assert.isNull(first.headers.get("idempotency-replayed"))
        assert.strictEqual(again.headers.get("idempotency-replayed"), "true")
        assertProblem(yield* deposit(ann, { amount: "11" }, "key"), 422, "idempotency-mismatch")
        assertProblem(yield* withdraw(ann, { amount: "10" }, "key"), 422, "idempotency-mismatch")
        assert.deepStrictEqual(yield* ann.balances, ["USD 10"])
      })
    )

    it.effect("refuses bad amounts, unknown assets and unknown fields, and leaves the key free", () =>
      Effect.gen(function* () {
        const ann = yield* WalletUsers.create("strict-ann")
        for (const amount of ["0", "-1", "0.001", "1e2", "", "1".repeat(19), true, null])
          assertProblem(yield* deposit(ann, { amount }, "key"), 400, "invalid-request")
        for (const fields of [{ note: "" }, { note: "a".repeat(201) }, { extra: 1 }, { asset: 1 }])
          assertProblem(yield* deposit(ann, { amount: "1", ...fields }, "key"), 400, "invalid-request")
        assertProblem(yield* deposit(ann, { amount: "1", asset: "NOPE" }, "key"), 422, "asset-unavailable")
        assert.strictEqual((yield* deposit(ann, { amount: "1" }, "key")).status, 200)
      })
    )
  })

  describe("PATCH /api/v1/accounts/wallet/withdraw", () => {
    it.effect("holds the funds of a pending withdrawal, and releases those of a failed one", () =>
      Effect.gen(function* () {
        const ann = yield* WalletUsers.create("held-ann", { USD: "100" })
        const pending = yield* withdraw(ann, { amount: "60", note: "sandbox:never" })
        assert.strictEqual(pending.status, 202, pending.text)
        assert.deepInclude(pending.json, {
          state: "pending",
          transaction_id: null,
          settled_at: null,
          balance: "100.00",
          held: "60.00",
          available: "40.00"
        })
        const failed = yield* withdraw(ann, { amount: "40", note: "sandbox:fail" })
        assert.strictEqual(failed.status, 200)
        assert.deepInclude(failed.json, { state: "failed", transaction_id: null, available: "40.00" })
        const paid = yield* withdraw(ann, { amount: "40" })
        assert.deepInclude(paid.json, { state: "completed", balance: "60.00", available: "0.00" })
      })
    )

    it.effect("returns a refusal again under its key, also with funds by then", () =>
      Effect.gen(function* () {
        const ann = yield* WalletUsers.create("poor-ann", { USD: "5" })
        const refused = yield* withdraw(ann, { amount: "7" }, "key")
        const { available, ...problem } = refused.json
        assertProblem({ ...refused, json: problem }, 402, "insufficient-funds")
        assert.strictEqual(available, "5.00")
        yield* deposit(ann, { amount: "100" })
        assert.strictEqual((yield* withdraw(ann, { amount: "7" }, "key")).status, 402)
        assert.strictEqual((yield* withdraw(ann, { amount: "7" }, "new key")).status, 200)
      })
    )
  })

  describe("GET /api/v1/accounts/wallet/funding", () => {
    it.effect("lists the requests of the wallet by pages, and finds only those", () =>
      Effect.gen(function* () {
        const ann = yield* WalletUsers.create("list-ann")
        const ben = yield* WalletUsers.create("list-ben")
        const ids: Array<unknown> = []
        for (const note of [null, "sandbox:never", "sandbox:fail"])
          ids.unshift((yield* deposit(ann, { amount: "1", note })).json["id"])
        const first = yield* ann.get(`${WALLET}/funding?page_size=2`)
        const next = yield* ann.get(`${WALLET}/funding?page_size=2&cursor=${String(first.json["next"])}`)
        assert.deepStrictEqual(
          [...rowsOf(first), ...rowsOf(next)].map(({ id }) => id),
          ids
        )
        assert.isFalse(next.json["has_more"])
        const pending = yield* ann.get(`${WALLET}/funding/?state=pending&direction=deposit`)
        assert.deepStrictEqual(
          rowsOf(pending).map(({ id }) => id),
          [ids[1]]
        )
        assert.deepStrictEqual(rowsOf(yield* ann.get(`${WALLET}/funding?direction=withdrawal`)), [])
        assert.deepInclude((yield* ann.get(`${WALLET}/funding/${String(ids[0])}`)).json, {
          state: "failed",
          reason: "The sandbox was asked to fail"
        })
        assertProblem(yield* ben.get(`${WALLET}/funding/${String(ids[0])}`), 404, "not-found")
        assertProblem(yield* ann.get(`${WALLET}/funding/x`), 404, "not-found")
        assertProblem(yield* ann.get(`${WALLET}/funding?state=x`), 400, "invalid-request")
        assertProblem(yield* ann.get(`${WALLET}/funding?cursor=x`), 400, "invalid-request")
      })
    )
  })

  it.effect("answers 503 without the database, and the retry with the same key moves the money once", () =>
    Effect.gen(function* () {
      const { setDatabase } = yield* TestServer
      const ann = yield* WalletUsers.create("down-ann")
      yield* setDatabase("down")
      const down = yield* deposit(ann, { amount: "1" }, "key").pipe(Effect.ensuring(setDatabase("up")))
      assertProblem(down, 503, "store-unavailable")
      assert.strictEqual((yield* deposit(ann, { amount: "1" }, "key")).status, 200)
      assert.deepStrictEqual(yield* ann.balances, ["USD 1"])
    })
  )
})

layer(TestServer.layer({ FUNDING: "manual" }), { excludeTestServices: true })("With FUNDING=manual", (it) => {
  it.effect("a deposit is pending until an administrator confirms it with the reference of the payment", () =>
    Effect.gen(function* () {
      const ann = yield* WalletUsers.create("ann")
      const admin = yield* administrator
      const pending = yield* deposit(ann, { amount: "500", note: "sandbox:fail" }, "key")
      assert.strictEqual(pending.status, 202, pending.text)
      assert.deepInclude(pending.json, { state: "pending", sandbox: false, balance: "0.00" })
      const id = String(pending.json["id"])
      const [row] = rowsOf(yield* admin.list("state=pending&direction=deposit"))
      assert.deepInclude(row, {
        id,
        username: "ann",
        wallet_id: ann.wallet.id,
        provider: "manual",
        requested_by: `user:${ann.wallet.userId}`,
        settled_by: null
      })
      const confirmed = yield* admin.post(id, "confirm", { reference: " BANK 0042 " })
      assert.strictEqual(confirmed.status, 200, confirmed.text)
      assert.deepInclude(confirmed.json, { state: "completed", reference: "BANK 0042" })
      const again = yield* deposit(ann, { amount: "500", note: "sandbox:fail" }, "key")
      assert.strictEqual(again.status, 200)
      assert.deepInclude(again.json, { id, state: "completed", balance: "500.00" })
      assertEnded(yield* admin.post(id, "confirm", { reference: "OTHER" }), "completed", "BANK 0042")
      assertEnded(yield* admin.post(id, "refuse", { reason: "late" }), "completed", "BANK 0042")
      const [action] = rowsOf(yield* admin.get(`/api/v1/admin/actions?subject=${id}`))
      assert.deepInclude(action, {
        action: "funding.confirm",
        principal: String(confirmed.json["settled_by"]),
        details: {
          direction: "deposit",
          asset: "USD",
          amount: "500",
          wallet_id: ann.wallet.id,
          reference: "BANK 0042"
        }
      })
    })
  )

  it.effect("a payment completes one request, in whatever spelling", () =>
    Effect.gen(function* () {
      const ben = yield* WalletUsers.create("ben")
      const admin = yield* administrator
      const [first, second] = [yield* deposit(ben, { amount: "1" }), yield* deposit(ben, { amount: "1" })]
      yield* admin.post(first.json["id"], "confirm", { reference: "R\u00c9F 1" })
      for (const reference of ["r\u00c9f1", "RE\u0301F 1", "r\u00e9f1", "\uff52\u00e9f 1"]) {
        const used = yield* admin.post(second.json["id"], "confirm", { reference })
        const { funding_id: by, ...problem } = used.json
        assertProblem({ ...used, json: problem }, 409, "payment-reference-used")
        assert.strictEqual(by, first.json["id"])
      }
      assert.deepStrictEqual(yield* ben.balances, ["USD 1"])
    })
  )

  it.effect("a refused withdrawal releases its funds, and cannot be confirmed", () =>
    Effect.gen(function* () {
      const cleo = yield* WalletUsers.create("cleo", { USD: "10" })
      const admin = yield* administrator
      const { json } = yield* withdraw(cleo, { amount: "10" })
      assert.deepInclude(json, { state: "pending", available: "0.00" })
      const refused = yield* admin.post(json["id"], "refuse", { reason: "Closed account" })
      assert.deepInclude(refused.json, { state: "failed", reason: "Closed account" })
      assert.deepStrictEqual(yield* cleo.balances, ["USD 10"])
      assertEnded(yield* admin.post(json["id"], "confirm", { reference: "R" }), "failed", null)
    })
  )

  it.effect("refuses invalid decisions and unknown requests", () =>
    Effect.gen(function* () {
      const dan = yield* WalletUsers.create("dan")
      const admin = yield* administrator
      const { json } = yield* deposit(dan, { amount: "1" })
      for (const reference of ["", " ", "a\nb", "a\u200bb", "a\u00a0b", "a\u0000b", "a".repeat(201), 5])
        assertProblem(yield* admin.post(json["id"], "confirm", { reference }), 400, "invalid-request")
      for (const reason of ["", " ", "a\u0000b", "a".repeat(1001)])
        assertProblem(yield* admin.post(json["id"], "refuse", { reason }), 400, "invalid-request")
      for (const id of ["x", "01980000-0000-7000-8000-000000000000"])
        assertProblem(yield* admin.post(id, "confirm", { reference: "R" }), 404, "not-found")
    })
  )
})
