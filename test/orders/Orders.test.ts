import { assert, layer } from "@effect/vitest"
import { Effect, Exit, Option } from "effect"
import { TestClock } from "effect/testing"
import { AssetCatalog } from "../../src/assets/AssetCatalog.ts"
import { AssetCode } from "../../src/domain/money/Asset.ts"
import * as Decimal from "../../src/domain/money/Decimal.ts"
import { Orders } from "../../src/orders/Orders.ts"
import { Database } from "../../src/platform/postgres/Database.ts"
import { orderFields } from "../../src/server/http/orders/OrderFields.ts"
import { ScriptedExchange } from "../support/ScriptedExchange.ts"
import * as TestOrders from "../support/TestOrders.ts"
import * as TestSettlement from "../support/TestSettlement.ts"
import * as TestWallets from "../support/TestWallets.ts"

const { list, place, stateOf } = TestOrders
const { settle } = TestSettlement

const failureOf = <A, E extends { readonly _tag: string }, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(effect), ({ _tag }) => _tag)

layer(TestOrders.layer({ ORDER_SPREAD: "0.01" }))("Orders", (it) => {
  it.effect("locks the latest price with the spread, and holds what the order needs", () =>
    Effect.gen(function* () {
      yield* list("LOCK", "100")
      const ann = yield* TestWallets.user("ann", { USD: "500", LOCK: "5" })
      const { order: buy } = yield* place(ann, "buy", "LOCK", "2")
      const { order: sell } = yield* place(ann, "sell", "LOCK", "1.5")
      assert.deepStrictEqual(
        [buy, sell].map(({ price, total }) => [Decimal.format(price), Decimal.format(total)]),
        [
          ["101", "202"],
          ["99", "148.5"]
        ]
      )
      assert.deepStrictEqual(yield* TestWallets.balances(ann), ["LOCK 3.5", "USD 298"])
      yield* (yield* TestSettlement.TestPrices).set("LOCK", "101")
      assert.strictEqual(Decimal.format((yield* (yield* Orders).find(ann.id, buy.id)).price), "101")
    })
  )

  it.effect("turns a notional into an amount, and takes no more than it", () =>
    Effect.gen(function* () {
      yield* list("NOTE", "3")
      const bob = yield* TestWallets.user("bob", { USD: "100" })
      const { order } = yield* place(bob, "buy", "NOTE", "10", { notional: true })
      assert.deepStrictEqual(
        [Decimal.format(order.amount), Decimal.format(order.total)],
        ["3.30033003300330033".slice(0, 10), "10"]
      )
      assert.strictEqual(
        yield* failureOf(place(bob, "buy", "NOTE", "0.00000003", { notional: true })),
        "OrderTooSmall"
      )
    })
  )

  it.effect(
    "refuses currencies, assets that are not tradable, small orders, and assets without a price",
    () =>
      Effect.gen(function* () {
        yield* list("NOTR", "3", { tradable: false })
        yield* list("MINI", "3", { minimumOrder: Option.getOrThrow(Decimal.parse("2")) })
        yield* list("NOPR", "3")
        yield* (yield* TestSettlement.TestPrices).set("NOPR", undefined)
        const cid = yield* TestWallets.user("cid", { USD: "100" })
        assert.strictEqual(yield* failureOf(place(cid, "buy", "EUR", "3")), "AssetUnavailable")
        assert.strictEqual(yield* failureOf(place(cid, "buy", "NOTR", "3")), "AssetUnavailable")
        assert.strictEqual(yield* failureOf(place(cid, "buy", "MINI", "1.9")), "OrderTooSmall")
        assert.strictEqual(yield* failureOf(place(cid, "buy", "NOPR", "3")), "RateUnavailable")
        assert.deepStrictEqual(yield* TestWallets.balances(cid), ["USD 100"])
      })
  )

  it.effect("lets holders sell a delisted asset, and nobody buy it", () =>
    Effect.gen(function* () {
      yield* list("GONE", "30")
      const dan = yield* TestWallets.user("dan", { USD: "100", GONE: "1" })
      yield* (yield* AssetCatalog).delist({
        code: AssetCode.make("GONE"),
        principal: "test",
        expectedVersion: Option.none()
      })
      assert.strictEqual(yield* failureOf(place(dan, "buy", "GONE", "1")), "AssetUnavailable")
      yield* (yield* ScriptedExchange).always({ does: "fill", price: "30" })
      const { order } = yield* place(dan, "sell", "GONE", "1")
      yield* settle
      assert.deepStrictEqual(yield* stateOf(order), ["completed", null, "1", "29.7"])
    })
  )

  it.effect("debits nothing without an order, and stores no order without its hold", () =>
    Effect.gen(function* () {
      yield* list("BOTH", "10")
      const eve = yield* TestWallets.user("eve", { USD: "15" })
      assert.strictEqual(yield* failureOf(place(eve, "buy", "BOTH", "2")), "InsufficientFunds")
      const { page } = yield* Orders
      assert.deepStrictEqual(yield* page(eve.id, {}, undefined, 10), [])
      // The insertion of the order fails after the hold was opened in the same transaction.
      const { sql } = yield* Database
      yield* sql`ALTER TABLE customer_order ADD CONSTRAINT broken CHECK (asset <> 'BOTH')`
      assert.isTrue(Exit.hasDies(yield* Effect.exit(place(eve, "buy", "BOTH", "1"))))
      yield* sql`ALTER TABLE customer_order DROP CONSTRAINT broken`
      assert.deepStrictEqual(yield* TestWallets.balances(eve), ["USD 15"])
      assert.deepStrictEqual(yield* page(eve.id, {}, undefined, 10), [])
    })
  )

  it.effect("returns the first outcome of a key, whatever the price is now, also that of a refusal", () =>
    Effect.gen(function* () {
      yield* list("KEYS", "10")
      const fay = yield* TestWallets.user("fay", { USD: "15" })
      const first = yield* place(fay, "buy", "KEYS", "1", { key: "one" })
      yield* (yield* TestSettlement.TestPrices).set("KEYS", undefined)
      const again = yield* place(fay, "buy", "KEYS", "1", { key: "one" })
      assert.deepInclude({ ...again }, { replayed: true, isReviewed: first.isReviewed })
      assert.deepStrictEqual(orderFields(again.order), orderFields(first.order))
      assert.strictEqual(
        yield* failureOf(place(fay, "buy", "KEYS", "2", { key: "one" })),
        "IdempotencyMismatch"
      )
      // Without a price, the key stays free.
      assert.strictEqual(
        yield* failureOf(place(fay, "buy", "KEYS", "0.1", { key: "two" })),
        "RateUnavailable"
      )
      yield* (yield* TestSettlement.TestPrices).set("KEYS", "10")
      yield* place(fay, "buy", "KEYS", "0.1", { key: "two" })
      assert.strictEqual(
        yield* failureOf(place(fay, "buy", "KEYS", "5", { key: "three" })),
        "InsufficientFunds"
      )
      yield* TestWallets.fund(fay, "100", "USD")
      assert.strictEqual(
        yield* failureOf(place(fay, "buy", "KEYS", "5", { key: "three" })),
        "InsufficientFunds"
      )
    })
  )

  it.effect("uses the client's own id of an order once, with or without a key", () =>
    Effect.gen(function* () {
      yield* list("MINE", "10")
      const gus = yield* TestWallets.user("gus", { USD: "1000" })
      const other = yield* TestWallets.user("other", { USD: "1000" })
      const results = yield* Effect.forEach(
        Array.from({ length: 8 }),
        () => place(gus, "buy", "MINE", "2", { clientOrderId: "mine" }),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(new Set(results.map(({ order }) => order.id)).size, 1)
      assert.strictEqual(results.filter(({ replayed }) => !replayed).length, 1)
      for (const options of [{ clientOrderId: "mine", key: "key" }])
        assert.strictEqual(yield* failureOf(place(gus, "buy", "MINE", "2", options)), "ClientOrderIdUsed")
      assert.strictEqual(
        yield* failureOf(place(gus, "sell", "MINE", "2", { clientOrderId: "mine" })),
        "ClientOrderIdUsed"
      )
      yield* place(other, "buy", "MINE", "2", { clientOrderId: "mine" })
      assert.deepStrictEqual(yield* TestWallets.balances(gus), ["USD 979.8"])
    })
  )

  it.effect("cancels only an order that waits in a pool, of its own wallet", () =>
    Effect.gen(function* () {
      yield* list("CANC", "1")
      const hal = yield* TestWallets.user("hal", { USD: "100" })
      const ida = yield* TestWallets.user("ida", { USD: "100" })
      const { cancel } = yield* Orders
      const { order: pooled } = yield* place(hal, "buy", "CANC", "2")
      const { order: direct } = yield* place(hal, "buy", "CANC", "20")
      assert.strictEqual(yield* failureOf(cancel(ida.id, pooled.id, "test")), "OrderNotFound")
      assert.strictEqual(yield* failureOf(cancel(hal.id, direct.id, "test")), "OrderNotCancellable")
      assert.strictEqual((yield* cancel(hal.id, pooled.id, "test")).state, "cancelled")
      // Not given back twice.
      assert.strictEqual(yield* failureOf(cancel(hal.id, pooled.id, "test")), "OrderNotCancellable")
      assert.deepStrictEqual(yield* TestWallets.balances(hal), ["USD 79.8"])
      yield* (yield* ScriptedExchange).always({ does: "fill", price: "1" })
      yield* TestClock.adjust("10 minutes")
      yield* settle
      assert.deepStrictEqual(yield* stateOf(pooled), ["cancelled", null, null, null])
      assert.deepStrictEqual(yield* TestWallets.balances(hal), ["CANC 20", "USD 79.8"])
    })
  )

  it.effect(
    "either cancels or fills each of many orders that are cancelled while their pool is settled",
    () =>
      Effect.gen(function* () {
        yield* list("RACE", "1")
        yield* (yield* ScriptedExchange).always({ does: "fill", price: "1" })
        const jan = yield* TestWallets.user("jan", { USD: "1000" })
        const { cancel, find } = yield* Orders
        const placed = yield* Effect.forEach(Array.from({ length: 40 }), () => place(jan, "buy", "RACE", "1"))
        yield* Effect.all(
          [
            settle,
            Effect.forEach(placed, ({ order }) => Effect.exit(cancel(jan.id, order.id, "test")), {
              concurrency: 8
            })
          ],
          { concurrency: "unbounded" }
        )
        yield* TestClock.adjust("10 minutes")
        yield* settle
        const orders = yield* Effect.forEach(placed, ({ order }) => find(jan.id, order.id))
        const count = (state: string) => orders.filter((order) => order.state === state).length
        assert.strictEqual(count("cancelled") + count("completed"), 40)
        const spent = Decimal.format(
          Option.getOrThrow(Decimal.parse((1000 - count("completed") * 1.01).toFixed(2)))
        )
        const expected = [...(count("completed") > 0 ? [`RACE ${count("completed")}`] : []), `USD ${spent}`]
        assert.deepStrictEqual(yield* TestWallets.balances(jan), expected)
      })
  )
})
