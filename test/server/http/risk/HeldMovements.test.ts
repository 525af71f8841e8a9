import { assert, layer } from "@effect/vitest"
import { Effect, Option } from "effect"
import { AssetCatalog } from "../../../../src/assets/AssetCatalog.ts"
import { AssetCode } from "../../../../src/domain/money/Asset.ts"
import { RateIngest } from "../../../../src/rates/RateIngest.ts"
import { RateRepo } from "../../../../src/rates/RateRepo.ts"
import { HeldOrderDecisions } from "../../../../src/risk/HeldDecisions.ts"
import * as Callers from "../../../support/Callers.ts"
import { tick } from "../../../support/RateTicks.ts"
import { ScriptedExchange } from "../../../support/ScriptedExchange.ts"
import * as TestRisk from "../../../support/TestRisk.ts"
import * as TestSettlement from "../../../support/TestSettlement.ts"
import { assertProblem, get, TestServer } from "../../../support/TestServer.ts"
import * as WalletUsers from "../../../support/WalletUsers.ts"

/** Decides as an administrator. */
const decide = Effect.fnUntraced(function* (id: unknown, how: "approve" | "reject") {
  const { authorization = "" } = yield* Callers.user("administrator")
  return yield* get(`/api/v1/admin/reviews/${id}/${how}`, {
    method: "POST",
    headers: { authorization, "content-type": "application/json" },
    body: JSON.stringify({ reason: how })
  })
})

const reviewOf = Effect.fnUntraced(function* (id: unknown) {
  const { authorization = "" } = yield* Callers.user("administrator")
  return yield* get(`/api/v1/admin/reviews/${id}`, { headers: { authorization } })
})

/** Lists an asset, whose price is 4 US dollars. */
const list = Effect.fnUntraced(function* (code: string) {
  yield* (yield* RateRepo).insert(yield* tick(code, "USD", "4"))
  yield* (yield* ScriptedExchange).always({ does: "fill", price: "4" })
  yield* (yield* AssetCatalog).change({
    definition: {
      code: AssetCode.make(code),
      kind: "crypto",
      name: code,
      decimals: 8,
      tradable: true,
      minimumOrder: null,
      providerSymbols: {},
      exchangeSymbol: null,
      state: "listed"
    },
    principal: "test",
    expectedVersion: Option.none()
  })
})

/** Holds movements for review with which a user moves more than 10 US dollars in an hour. */
const holdLarge = TestRisk.changeRules(({ velocity }) => ({
  velocity: { ...velocity, outcome: "review" }
}))

layer(TestServer.layer({ ORDER_SPREAD: "0", RISK_HOUR_VALUE: "10", CONVERSION_MARGIN: "0" }), {
  excludeTestServices: true
})("Held movements over HTTP", (it) => {
  it.effect("answer an order with 202, in the shape of older clients too, and show what became of it", () =>
    Effect.gen(function* () {
      yield* holdLarge
      yield* list("HELD")
      const user = yield* WalletUsers.create("buyer", { USD: "100" })
      const place = user.post("/api/v1/orders/", { crypto: "held", amount: 3 }, { "idempotency-key": "one" })
      const placed = yield* place
      assert.strictEqual(placed.status, 202, placed.text)
      assert.include(placed.json, { state: "held-for-review", crypto: "HELD", total_price: "12.00" })
      const path = `/api/v1/orders/${placed.json["id"]}`
      const shown = yield* user.get(path)
      assert.deepInclude(shown.json, {
        state: "held-for-review",
        waiting: { reason: "review", next_attempt_at: null }
      })
      assert.notMatch(shown.text + placed.text, /velocity|hour_value/)
      assert.include(
        (yield* user.get("/api/v1/orders?state=held-for-review")).text,
        String(placed.json["id"])
      )
      assert.include((yield* user.get("/api/v1/accounts/wallet")).text, '"held":"12.00"')
      const review = yield* reviewOf(placed.json["id"])
      assert.deepInclude(review.json, {
        kind: "order",
        conversion: null,
        order: {
          side: "buy",
          asset: "HELD",
          amount: "3.00000000",
          price: "4.00",
          total_price: "12.00",
          state: "held-for-review",
          reason: null
        }
      })
      const approved = yield* decide(placed.json["id"], "approve")
      assert.strictEqual(approved.status, 200, approved.text)
      yield* TestSettlement.settle
      const again = yield* place
      assert.strictEqual(again.status, 202)
      assert.strictEqual(again.headers.get("idempotency-replayed"), "true")
      assert.include(again.json, { id: placed.json["id"], state: "completed", filled: "3" })
      assertProblem(yield* decide(placed.json["id"], "reject"), 409, "already-decided")
    })
  )

  it.effect("let a user cancel a held order", () =>
    Effect.gen(function* () {
      yield* holdLarge
      yield* list("STOP")
      const user = yield* WalletUsers.create("canceller", { USD: "100" })
      const { json } = yield* user.post("/api/v1/orders", { asset: "STOP", side: "buy", amount: "3" })
      const cancelled = yield* user.delete(`/api/v1/orders/${json["id"]}`)
      assert.include(cancelled.json, { state: "cancelled", reason: null })
      assert.include((yield* reviewOf(json["id"])).json, {
        state: "cancelled",
        decided_by: `user:${user.wallet.userId}`
      })
      assertProblem(yield* decide(json["id"], "approve"), 409, "already-decided")
      assert.deepStrictEqual(yield* user.balances, ["USD 100"])
      assert.strictEqual(yield* (yield* HeldOrderDecisions).expireDue, 0)
    })
  )

  it.effect("let a user cancel a held conversion", () =>
    Effect.gen(function* () {
      yield* holdLarge
      const user = yield* WalletUsers.create("undecided", { USD: "100" })
      const stranger = yield* WalletUsers.create("meddler")
      const { json } = yield* user.post("/api/v1/accounts/wallet/convert", {
        from: "USD",
        to: "NGN",
        amount: "40"
      })
      const path = `/api/v1/accounts/wallet/conversions/${json["id"]}/cancel`
      assertProblem(yield* stranger.post(path, {}), 404, "not-found")
      assertProblem(yield* user.post("/api/v1/accounts/wallet/conversions/none/cancel", {}), 404, "not-found")
      const cancelled = yield* user.post(path, {})
      assert.strictEqual(cancelled.status, 200, cancelled.text)
      assert.include(cancelled.json, { id: json["id"], state: "cancelled", transaction_id: null })
      assert.deepStrictEqual(yield* user.balances, ["USD 100"])
      assertProblem(yield* user.post(path, {}), 409, "conversion-not-cancellable")
      assertProblem(yield* decide(json["id"], "approve"), 409, "already-decided")
      assert.include((yield* reviewOf(json["id"])).json, {
        state: "cancelled",
        decided_by: `user:${user.wallet.userId}`
      })
    })
  )

  it.effect("do not approve a conversion whose rate has become much worse", () =>
    Effect.gen(function* () {
      yield* holdLarge
      const { insert } = yield* RateRepo
      const { publish } = yield* RateIngest
      yield* publish(yield* insert(yield* tick("USD", "GHS", "10")))
      const user = yield* WalletUsers.create("patient", { USD: "100" })
      const { json } = yield* user.post("/api/v1/accounts/wallet/convert", {
        from: "USD",
        to: "GHS",
        amount: "40"
      })
      yield* publish(yield* insert(yield* tick("USD", "GHS", "9.7")))
      const refused = yield* decide(json["id"], "approve")
      assert.strictEqual(refused.status, 422, refused.text)
      assert.include(refused.json, {
        code: "review-price-moved",
        requested_rate: "10",
        current_rate: "9.7",
        max_slippage: "0.02"
      })
      assert.include((yield* reviewOf(json["id"])).json, { state: "pending" })
    })
  )

  it.effect("answer a conversion with 202, and show what became of it", () =>
    Effect.gen(function* () {
      yield* holdLarge
      const user = yield* WalletUsers.create("converter", { USD: "100" })
      const stranger = yield* WalletUsers.create("onlooker")
      const convert = user.post(
        "/api/v1/accounts/wallet/convert",
        { from: "USD", to: "NGN", amount: "40", reference: "rent" },
        { "idempotency-key": "one" }
      )
      const asked = yield* convert
      assert.strictEqual(asked.status, 202, asked.text)
      const { created_at: _, id, ...fields } = asked.json
      assert.deepStrictEqual(fields, {
        state: "held-for-review",
        type: "conversion",
        asset: "USD",
        amount: "40.00",
        to: "NGN",
        reference: "rent",
        transaction_id: null
      })
      const path = `/api/v1/accounts/wallet/conversions/${id}/state`
      assert.include((yield* user.get(path)).json, { state: "held-for-review" })
      assertProblem(yield* stranger.get(path), 404, "not-found")
      assertProblem(yield* user.get("/api/v1/accounts/wallet/conversions/none/state"), 404, "not-found")
      assertProblem(yield* user.get(`/api/v1/accounts/wallet/conversions/${id}`), 404, "not-found")
      const review = yield* reviewOf(id)
      assert.deepInclude(review.json, { kind: "conversion", order: null })
      assert.include(review.text, '"output_amount":"60000.00"')
      const approved = yield* decide(id, "approve")
      assert.strictEqual(approved.status, 200, approved.text)
      const transaction = approved.json["transfer_id"]
      assert.include((yield* user.get(path)).json, { state: "completed", transaction_id: transaction })
      const again = yield* convert
      assert.strictEqual(again.status, 202)
      assert.include(again.json, { id, state: "completed", transaction_id: transaction })
      const found = yield* user.get(`/api/v1/accounts/wallet/conversions/${transaction}`)
      assert.strictEqual(found.status, 200, found.text)
      assert.include((yield* user.get(`/api/v1/accounts/wallet/conversions/${transaction}/state`)).json, {
        state: "completed",
        amount: "40.00",
        to: "NGN"
      })
      assert.include((yield* user.get("/api/v1/transactions?type=conversion")).text, String(transaction))
      assert.deepStrictEqual(yield* user.balances, ["NGN 60000", "USD 60"])
    })
  )
})
