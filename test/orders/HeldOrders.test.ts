import { assert, layer } from "@effect/vitest"
import { inspect } from "node:util"
import { Effect, Layer, Option, Result } from "effect"
import { AssetCode } from "../../src/domain/money/Asset.ts"
import { AdminActions } from "../../src/accounts/AdminActions.ts"
import { AssetCatalog } from "../../src/assets/AssetCatalog.ts"
import { TransferId } from "../../src/domain/ledger/LedgerPosting.ts"
import type { Order } from "../../src/domain/orders/Order.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { LedgerVerifier } from "../../src/ledger/LedgerVerifier.ts"
import { OrderAdministration } from "../../src/orders/OrderAdministration.ts"
import { OrderRepo } from "../../src/orders/OrderRepo.ts"
import { Orders } from "../../src/orders/Orders.ts"
import { OrderWaits } from "../../src/orders/OrderWaits.ts"
import { Database } from "../../src/platform/postgres/Database.ts"
import { HeldOrderDecisions } from "../../src/risk/HeldDecisions.ts"
import { ReviewDecisions } from "../../src/risk/ReviewDecisions.ts"
import { Reviews } from "../../src/risk/Reviews.ts"
import type { NamedWallet } from "../../src/wallets/WalletRepo.ts"
import { walletAccount, Wallets } from "../../src/wallets/Wallets.ts"
import * as TestOrders from "../support/TestOrders.ts"
import * as TestReviews from "../support/TestReviews.ts"
import * as TestRisk from "../support/TestRisk.ts"
import * as TestSettlement from "../support/TestSettlement.ts"
import * as TestWallets from "../support/TestWallets.ts"

const { openHolds, place, stateOf } = TestOrders
const { decide, unpriced } = TestReviews
const { balances } = TestWallets

/** An order that is held. The asset costs 10 US dollars, and the wallet has 100. */
const held = Effect.fnUntraced(function* (
  name: string,
  amount = "3",
  options: Parameters<typeof place>[4] = {}
) {
  const wallet = yield* TestWallets.user(name, { USD: "100" })
  const asset = name.toUpperCase().replaceAll("-", "").slice(0, 8)
  yield* TestOrders.list(asset, "10")
  const placed = yield* unpriced(place(wallet, "buy", asset, amount, options))
  assert.strictEqual(placed.order.state, "held-for-review")
  assert.isTrue(placed.isReviewed)
  return { ...placed, asset, wallet }
})

const historyOf = ({ id }: Order) =>
  Effect.flatMap(Orders, ({ history }) =>
    Effect.map(history(id), (events) => events.map(({ reason, state }) => [state, reason]))
  )

const reviewOf = ({ id }: Order) =>
  Effect.flatMap(Reviews, ({ find }) => Effect.map(find(TransferId.make(id)), Option.getOrThrow))

const cancel = (wallet: NamedWallet, { id }: Order) =>
  Effect.flatMap(Orders, (orders) => orders.cancel(wallet.id, id, `user:${wallet.userId}`))

const causeOf = (error: unknown) => inspect(error, { depth: 10 })

// Reviews expire by the time of the node.
const LIVE = { excludeTestServices: true }

layer(TestReviews.layer({ RISK_REVIEW_EXPIRY: "1 second" }), LIVE)("Held orders that expire", (it) => {
  it.effect("fail, and give their money back once, however many nodes end them", () =>
    Effect.gen(function* () {
      const { order, wallet } = yield* held("slow")
      const second = yield* Layer.build(Layer.fresh(TestReviews.node))
      const { expireDue } = yield* HeldOrderDecisions
      assert.deepStrictEqual(yield* stateOf(order), ["held-for-review", null, null, null])
      while ((yield* reviewOf(order)).state === "pending") yield* Effect.sleep("50 millis")
      assert.include(yield* Effect.flip(decide("approve", order.id)), { state: "expired" })
      yield* Effect.all(
        [
          expireDue,
          expireDue,
          Effect.provideContext(
            Effect.flatMap(HeldOrderDecisions, (other) => other.expireDue),
            second
          )
        ],
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(yield* stateOf(order), ["failed", "review-expired", "0", "0"])
      assert.deepStrictEqual(yield* balances(wallet), ["USD 100"])
      assert.strictEqual(yield* expireDue, 0)
    })
  )
})

layer(TestReviews.layer(), LIVE)("Held orders", (it) => {
  it.effect("keep their price and their money, and are in no pool and in no batch", () =>
    Effect.gen(function* () {
      for (const amount of ["3", "0.5"]) {
        const { asset, order, wallet } = yield* held(`still-${amount.length}`, amount)
        yield* TestSettlement.settle
        assert.deepStrictEqual(yield* stateOf(order), ["held-for-review", null, null, null])
        assert.isTrue(Option.isNone(yield* (yield* Orders).pool(order.asset, "buy")))
        assert.deepStrictEqual(
          yield* (yield* OrderWaits).of(order, Option.none()),
          Option.some({ reason: "review", nextAttemptAt: null })
        )
        const left = amount === "3" ? "USD 70" : "USD 95"
        assert.deepStrictEqual(yield* balances(wallet), [left])
        assert.deepInclude(yield* reviewOf(order), { state: "pending", conversion: null })
        assert.deepInclude(
          { ...(yield* reviewOf(order)).order },
          { side: "buy", asset: AssetCode.make(asset), state: "held-for-review" }
        )
      }
    })
  )

  it.effect("go their way alone after the approval", () =>
    Effect.gen(function* () {
      const { asset, order, wallet } = yield* held("direct")
      assert.include(yield* decide("approve", order.id), { state: "approved", transfer: null })
      assert.deepStrictEqual(yield* stateOf(order), ["pending", null, null, null])
      yield* TestSettlement.settle
      assert.deepStrictEqual(yield* historyOf(order), [
        ["held-for-review", null],
        ["pending", null],
        ["submitted", null],
        ["completed", null]
      ])
      assert.deepStrictEqual(yield* balances(wallet), [`${asset} 3`, "USD 70"])
      const [action] = yield* (yield* AdminActions).list({ subject: order.id, before: undefined, limit: 1 })
      assert.deepInclude(action, { action: "risk.review.approve", reason: "approve it" })
    })
  )

  it.effect("join the pool of their asset after the approval", () =>
    Effect.gen(function* () {
      const { asset, order } = yield* held("pooled", "0.4")
      const other = yield* TestWallets.user("other", { USD: "100" })
      const pool = Effect.flatMap(Orders, (orders) => orders.pool(order.asset, "buy"))
      yield* place(other, "buy", asset, "0.4")
      assert.strictEqual(Option.getOrThrow(yield* pool).orders, 1)
      yield* decide("approve", order.id)
      assert.deepStrictEqual(yield* stateOf(order), ["aggregated", null, null, null])
      assert.strictEqual(Option.getOrThrow(yield* pool).orders, 2)
      yield* place(other, "buy", asset, "0.4")
      yield* TestSettlement.settle
      assert.deepStrictEqual(yield* stateOf(order), ["completed", null, "0.4", "4"])
    })
  )

  it.effect("fail after the rejection, and give the money back", () =>
    Effect.gen(function* () {
      const { order, wallet } = yield* held("rejected")
      const review = yield* decide("reject", order.id)
      assert.include(review, { state: "rejected", reason: "reject it" })
      assert.deepStrictEqual(yield* stateOf(order), ["failed", "review-rejected", "0", "0"])
      assert.deepStrictEqual(yield* balances(wallet), ["USD 100"])
      for (const how of ["approve", "reject"] as const)
        assert.include(yield* Effect.flip(decide(how, order.id)), {
          _tag: "ReviewDecided",
          state: "rejected"
        })
    })
  )

  it.effect("can be cancelled by their user, which ends the review", () =>
    Effect.gen(function* () {
      const { order, wallet } = yield* held("cancelled")
      yield* cancel(wallet, order)
      assert.deepStrictEqual(yield* stateOf(order), ["cancelled", null, null, null])
      assert.deepStrictEqual(yield* balances(wallet), ["USD 100"])
      assert.include(yield* reviewOf(order), { state: "cancelled", decidedBy: `user:${wallet.userId}` })
      assert.include(yield* Effect.flip(decide("approve", order.id)), { state: "cancelled" })
      assert.strictEqual((yield* Effect.flip(cancel(wallet, order)))._tag, "OrderNotCancellable")
    })
  )

  it.effect("can be cancelled by an administrator", () =>
    Effect.gen(function* () {
      const { order, wallet } = yield* held("stopped")
      const { cancel } = yield* Effect.provide(
        OrderAdministration,
        OrderAdministration.layer.pipe(Layer.provide(OrderRepo.layer))
      )
      yield* cancel({ id: order.id, principal: "user:administrator", reason: "asked by phone" })
      assert.deepStrictEqual(yield* stateOf(order), ["cancelled", "administrator", null, null])
      assert.include(yield* reviewOf(order), { state: "cancelled", reason: "asked by phone" })
      assert.deepStrictEqual(yield* balances(wallet), ["USD 100"])
    })
  )

  it.effect("fail with price-moved if the market moved too far against the house meanwhile", () =>
    Effect.gen(function* () {
      const { asset, order, wallet } = yield* held("moved", "0.5")
      const { set } = yield* TestSettlement.TestPrices
      yield* set(asset, "12")
      const review = yield* decide("approve", order.id)
      assert.include(review, { state: "approved" })
      assert.deepInclude({ ...review.order }, { state: "failed", reason: "price-moved" })
      assert.deepStrictEqual(yield* stateOf(order), ["failed", "price-moved", "0", "0"])
      assert.deepStrictEqual(yield* balances(wallet), ["USD 100"])
    })
  )

  it.effect("keep the locked price if the market moved in favour of the house", () =>
    Effect.gen(function* () {
      const { asset, order, wallet } = yield* held("cheaper")
      const { set } = yield* TestSettlement.TestPrices
      yield* set(asset, "5")
      yield* decide("approve", order.id)
      yield* TestSettlement.settle
      assert.deepStrictEqual(yield* stateOf(order), ["completed", null, "3", "30"])
      assert.deepStrictEqual(yield* balances(wallet), [`${asset} 3`, "USD 70"])
    })
  )

  it.effect("stay held while there is no price, or an account that pays or receives is frozen", () =>
    Effect.gen(function* () {
      const { asset, order, wallet } = yield* held("waiting")
      const { set } = yield* TestSettlement.TestPrices
      const { setFrozen } = yield* Ledger
      const refusal = Effect.flip(decide("approve", order.id))
      yield* set(asset, undefined)
      assert.strictEqual((yield* refusal)._tag, "ReviewRefused")
      yield* set(asset, "10")
      const accounts = yield* (yield* Wallets).accountIds([
        walletAccount(wallet.id, order.asset),
        walletAccount(wallet.id, AssetCode.make("USD"))
      ])
      assert.strictEqual(accounts.length, 2)
      for (const account of accounts) {
        yield* setFrozen(account, true)
        assert.include(yield* refusal, {
          _tag: "ReviewRefused",
          detail: `Account ${account} is frozen; unfreeze it first, or reject the review`
        })
        yield* setFrozen(account, account === accounts[1])
      }
      assert.deepStrictEqual(yield* stateOf(order), ["held-for-review", null, null, null])
      assert.include(yield* reviewOf(order), { state: "pending" })
      // Nothing has to be posted to release the money.
      yield* decide("reject", order.id)
      assert.deepStrictEqual(yield* stateOf(order), ["failed", "review-rejected", "0", "0"])
    })
  )

  it.effect("are the outcome of their key and of their client_order_id, before and after the decision", () =>
    Effect.gen(function* () {
      for (const options of [{ key: "key" }, { clientOrderId: "mine" }]) {
        const name = Object.keys(options).join("")
        const { asset, order, wallet } = yield* held(`again${name}`.toLowerCase(), "3", options)
        const again = place(wallet, "buy", asset, "3", options)
        assert.deepInclude(yield* again, { order, replayed: true, isReviewed: true })
        yield* decide("approve", order.id)
        const replay = yield* again
        assert.deepInclude(replay, { replayed: true, isReviewed: true })
        assert.include(replay.order, { id: order.id, state: "pending" })
        // Another key is another order, which nothing holds now.
        assert.isFalse((yield* place(wallet, "buy", asset, "3")).isReviewed)
      }
    })
  )

  it.effect("without the funds are refused, not held", () =>
    Effect.gen(function* () {
      const poor = yield* TestWallets.user("poor", { USD: "20" })
      yield* TestOrders.list("POOR", "10")
      assert.strictEqual(
        (yield* Effect.flip(unpriced(place(poor, "buy", "POOR", "3"))))._tag,
        "InsufficientFunds"
      )
      assert.deepStrictEqual(yield* TestRisk.decisionsOf(poor), [])
    })
  )

  it.effect("are not decided on by their own user, nor by the API key that requested them", () =>
    Effect.gen(function* () {
      const { order, wallet } = yield* held("own")
      for (const how of ["approve", "reject"] as const)
        assert.strictEqual(
          (yield* Effect.flip(decide(how, order.id, `user:${wallet.userId}`)))._tag,
          "OwnReview"
        )
      yield* decide("reject", order.id)
    })
  )

  it.effect("count for the limits, also if the limits change before the decision", () =>
    Effect.gen(function* () {
      const { order, wallet } = yield* held("limited")
      const usage = yield* TestRisk.usageOf(wallet)
      yield* TestRisk.changeRules(({ velocity }) => ({ velocity: { ...velocity, hour_count: 1 } }))
      yield* decide("approve", order.id)
      assert.deepStrictEqual(yield* stateOf(order), ["pending", null, null, null])
      assert.deepStrictEqual(yield* TestRisk.usageOf(wallet), usage)
      assert.strictEqual((yield* Effect.flip(place(wallet, "buy", "LIMITED", "3")))._tag, "MovementDenied")
      yield* TestRisk.changeRules(({ velocity }) => ({ velocity: { ...velocity, hour_count: 1000 } }))
    })
  )

  it.effect("end once if they are approved, rejected, cancelled and cancelled again on two nodes", () =>
    Effect.gen(function* () {
      const second = yield* Layer.build(Layer.fresh(TestReviews.node))
      for (let round = 0; round < 4; round++) {
        const { order, wallet } = yield* held(`race${round}`, round % 2 === 0 ? "3" : "0.5")
        yield* Effect.provideContext(
          Effect.flatMap(AssetCatalog, ({ refresh }) => refresh),
          second
        )
        const attempts = Array.from({ length: 12 }, (_, n) => {
          const attempt: Effect.Effect<void, unknown, ReviewDecisions | Orders> =
            n % 3 === 0
              ? Effect.asVoid(decide("approve", order.id))
              : n % 3 === 1
                ? Effect.asVoid(decide("reject", order.id))
                : Effect.asVoid(cancel(wallet, order))
          return Effect.result(n % 2 === 0 ? attempt : Effect.provideContext(attempt, second))
        })
        const results = yield* Effect.all(attempts, { concurrency: "unbounded" })
        const { order: now, state } = yield* reviewOf(order)
        const history = yield* historyOf(order)
        const ended = results.filter(Result.isSuccess).length
        // An approved order in its pool can still be cancelled.
        const isCancelledLater = state === "approved" && now?.state === "cancelled"
        assert.strictEqual(ended, isCancelledLater ? 2 : 1, JSON.stringify(history))
        const isOpen = now?.state === "pending" || now?.state === "aggregated"
        assert.strictEqual(isOpen || isCancelledLater, state === "approved")
        assert.deepStrictEqual(
          yield* balances(wallet),
          isOpen ? [round % 2 === 0 ? "USD 70" : "USD 95"] : ["USD 100"]
        )
      }
    })
  )

  it.effect("stay held as a whole if a step of the decision fails", () =>
    Effect.gen(function* () {
      const broken = Layer.effect(
        AdminActions,
        Effect.map(AdminActions, (actions) =>
          AdminActions.of({ ...actions, record: () => Effect.die("killed") })
        )
      )
      const { order, wallet } = yield* held("killed")
      const decisions = yield* Effect.provide(
        ReviewDecisions,
        ReviewDecisions.layer.pipe(Layer.provide(broken), Layer.fresh)
      )
      for (const how of ["approve", "reject"] as const) {
        const exit = yield* Effect.exit(
          decisions[how]({ id: TransferId.make(order.id), principal: "user:administrator", reason: "why" })
        )
        assert.strictEqual(exit._tag, "Failure")
        assert.deepStrictEqual(yield* stateOf(order), ["held-for-review", null, null, null])
        assert.include(yield* reviewOf(order), { state: "pending" })
        assert.deepStrictEqual(yield* balances(wallet), ["USD 70"])
      }
      yield* decide("approve", order.id)
    })
  )

  it.effect("are not ended by a node that only ends the review, nor by an update of their state", () =>
    Effect.gen(function* () {
      const { order } = yield* held("guarded")
      const { sql } = yield* Database
      const outdated = sql`
        INSERT INTO risk_review_end (review_id, outcome, principal, reason, at)
        VALUES (${order.id}, 'approved', 'user:administrator', 'by an earlier version', now())`
      const released = sql`
        UPDATE customer_order SET state = 'pending', version = 2, updated_at = now() WHERE id = ${order.id}`
      for (const statement of [outdated, released])
        assert.include(causeOf(yield* Effect.flip(statement)), "although its review is")
      assert.include(yield* reviewOf(order), { state: "pending" })
      assert.deepStrictEqual(yield* stateOf(order), ["held-for-review", null, null, null])
      yield* decide("reject", order.id)
    })
  )

  it.effect("leave no hold of an order that ended, and a ledger that verifies", () =>
    Effect.gen(function* () {
      const { sql } = yield* Database
      const open = yield* sql`
        SELECT 1 FROM customer_order WHERE state IN ('held-for-review', 'pending', 'aggregated', 'submitted')`
      assert.strictEqual(yield* openHolds, open.length)
      const { verify } = yield* Effect.provide(LedgerVerifier, LedgerVerifier.layer)
      assert.include(yield* verify, { ok: true })
    })
  )
})
