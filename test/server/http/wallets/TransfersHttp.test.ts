import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import { assertProblem, get, TestServer } from "../../../support/TestServer.ts"
import * as Callers from "../../../support/Callers.ts"
import * as WalletUsers from "../../../support/WalletUsers.ts"

layer(TestServer.layer(), { excludeTestServices: true })((it) => {
  describe("POST /api/v1/transfers", () => {
    it.effect("moves money, and returns the movement of the sender", () =>
      Effect.gen(function* () {
        const ann = yield* WalletUsers.create("ann", { USD: "500" })
        const ben = yield* WalletUsers.create("ben")
        const sent = yield* ann.post("/api/v1/transfers/", {
          to: "BEN",
          asset: "usd",
          amount: "25.5",
          note: "Dinner"
        })
        assert.strictEqual(sent.status, 201, sent.text)
        assert.strictEqual(sent.headers.get("cache-control"), "no-store")
        const { created_at: _, id: __, ...fields } = sent.json
        assert.deepStrictEqual(fields, {
          type: "transfer",
          asset: "USD",
          amount: "25.50",
          change: "-25.50",
          balance: "474.50",
          counterparty: "ben",
          note: "Dinner",
          reference: null,
          order_id: null,
          conversion_id: null
        })
        assert.deepStrictEqual(yield* ben.balances, ["USD 25.5"])
        assert.strictEqual(
          (yield* ann.post("/api/v1/transfers", { to: ben.wallet.id, asset: "USD", amount: 0.5 })).status,
          201
        )
        assert.deepStrictEqual(yield* ben.balances, ["USD 26"])
      })
    )

    it.effect("returns the first outcome of a key, also that of a refusal", () =>
      Effect.gen(function* () {
        const ann = yield* WalletUsers.create("retry-ann", { USD: "10" })
        const ben = yield* WalletUsers.create("retry-ben")
        const send = (amount: string, key: string) =>
          ann.post("/api/v1/transfers", { to: "retry-ben", asset: "USD", amount }, { "idempotency-key": key })
        const first = yield* send("4", "key 1")
        const again = yield* send("4.00", "key 1")
        assert.strictEqual(again.status, 201)
        assert.strictEqual(again.text, first.text)
        assert.isNull(first.headers.get("idempotency-replayed"))
        assert.strictEqual(again.headers.get("idempotency-replayed"), "true")
        assertProblem(yield* send("5", "key 1"), 422, "idempotency-mismatch")
        const refused = yield* send("7", "key 2")
        const { available, ...problem } = refused.json
        assertProblem({ ...refused, json: problem }, 402, "insufficient-funds")
        assert.strictEqual(available, "6.00")
        yield* WalletUsers.fund(ann.wallet, { USD: "100" })
        assert.strictEqual((yield* send("7", "key 2")).status, 402)
        assert.strictEqual((yield* send("7", "key 3")).status, 201)
        assertProblem(yield* send("1", "k".repeat(256)), 400, "invalid-request")
        assert.deepStrictEqual(yield* ben.balances, ["USD 11"])
      })
    )

    it.effect("refuses unknown recipients, the own wallet, unknown assets and bad amounts", () =>
      Effect.gen(function* () {
        const ann = yield* WalletUsers.create("strict-ann", { USD: "10" })
        yield* WalletUsers.create("strict-ben")
        const send = (fields: object) =>
          ann.post("/api/v1/transfers", { to: "strict-ben", asset: "USD", amount: "1", ...fields })
        assertProblem(yield* send({ to: "nobody" }), 404, "recipient-not-found")
        assertProblem(yield* send({ to: "STRICT-ann" }), 422, "same-wallet")
        assertProblem(yield* send({ to: ann.wallet.id }), 422, "same-wallet")
        assertProblem(yield* send({ asset: "NOPE" }), 422, "asset-unavailable")
        for (const amount of ["0", "-1", "1.001", "1e2", "", "1".repeat(19), true])
          assertProblem(yield* send({ amount }), 400, "invalid-request")
        for (const fields of [{ note: "" }, { note: "a\u0000b" }, { note: "a".repeat(201) }, { extra: 1 }])
          assertProblem(yield* send(fields), 400, "invalid-request")
        assert.deepStrictEqual(yield* ann.balances, ["USD 10"])
      })
    )

    it.effect("separates the keys of users for whom one API key acts", () =>
      Effect.gen(function* () {
        const ann = yield* WalletUsers.create("acted-ann", { USD: "10" })
        const cleo = yield* WalletUsers.create("acted-cleo", { USD: "10" })
        const ben = yield* WalletUsers.create("acted-ben")
        const { authorization } = yield* Callers.withScopes("wallets")
        for (const { wallet } of [ann, cleo, ann]) {
          const sent = yield* get("/api/v1/transfers", {
            method: "POST",
            body: JSON.stringify({ to: "acted-ben", asset: "USD", amount: "1" }),
            headers: {
              authorization,
              "content-type": "application/json",
              "effex-on-behalf-of": wallet.userId,
              "idempotency-key": "same"
            }
          })
          assert.strictEqual(sent.status, 201, sent.text)
        }
        assert.deepStrictEqual(yield* ben.balances, ["USD 2"])
      })
    )
  })

  describe("GET /api/v1/transfers/recipient", () => {
    it.effect("names the recipient before money moves", () =>
      Effect.gen(function* () {
        const ann = yield* WalletUsers.create("asks-ann")
        const { wallet } = yield* WalletUsers.create("asks-ben")
        const expected = { wallet_id: wallet.id, username: "asks-ben" }
        const find = (to: string) => ann.get(`/api/v1/transfers/recipient?to=${to}`)
        assert.deepStrictEqual((yield* find("Asks-Ben")).json, expected)
        assert.deepStrictEqual((yield* find(wallet.id)).json, expected)
        assert.deepStrictEqual((yield* ann.get("/api/v1/transfers/recipient/?to=asks-ben")).json, expected)
        assertProblem(yield* find("nobody"), 404, "recipient-not-found")
        assertProblem(yield* find("asks-ann"), 422, "same-wallet")
        assertProblem(yield* find("a".repeat(101)), 400, "invalid-request")
        assertProblem(yield* ann.get("/api/v1/transfers/recipient"), 400, "invalid-request")
      })
    )
  })
})
