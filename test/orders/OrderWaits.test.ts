import { assert, layer } from "@effect/vitest"
import { DateTime, Effect, Option } from "effect"
import { TestClock } from "effect/testing"
import type { Order } from "../../src/domain/orders/Order.ts"
import { Orders } from "../../src/orders/Orders.ts"
import { OrderWaits } from "../../src/orders/OrderWaits.ts"
import { MAX_FAILURES } from "../../src/orders/settlement/Settlement.ts"
import { ScriptedExchange } from "../support/ScriptedExchange.ts"
import * as TestOrders from "../support/TestOrders.ts"
import * as TestSettlement from "../support/TestSettlement.ts"
import * as TestWallets from "../support/TestWallets.ts"

const { list, place, stateOf } = TestOrders
const { settle } = TestSettlement

const waitOf = Effect.fnUntraced(function* ({ asset, id, side, walletId }: Order) {
  const { find, pool } = yield* Orders
  const order = yield* find(walletId, id)
  const waiting = order.state === "aggregated" ? yield* pool(asset, side) : Option.none()
  return Option.getOrUndefined(yield* (yield* OrderWaits).of(order, waiting))
})

const reasonOf = (order: Order) => Effect.map(waitOf(order), (wait) => wait?.reason)

/** Places an order that is sent alone, and one that waits in a pool. */
const placeTwo = Effect.fnUntraced(function* (code: string) {
  yield* list(code, "10")
  const user = yield* TestWallets.user(code.toLowerCase(), { USD: "100" })
  const { order: direct } = yield* place(user, "buy", code, "2")
  const { order: pooled } = yield* place(user, "buy", code, "0.5")
  return { direct, exchange: yield* ScriptedExchange, pooled, user }
})

layer(TestOrders.layer())("What an order waits for", (it) => {
  it.effect("an hour without the exchange: nothing is sent, and users see why they wait", () =>
    Effect.gen(function* () {
      const { direct, exchange, pooled, user } = yield* placeTwo("HOUR")
      yield* exchange.always({ does: "fill", price: "10" })
      yield* exchange.setDown(true)
      assert.deepStrictEqual(
        [yield* reasonOf(direct), yield* reasonOf(pooled)],
        ["exchange-unavailable", "pool"]
      )
      for (let minute = 0; minute < 60; minute++) {
        yield* TestClock.adjust("1 minute")
        yield* settle
        assert.strictEqual(yield* reasonOf(direct), "exchange-unavailable")
        assert.strictEqual(yield* reasonOf(pooled), minute < 4 ? "pool" : "exchange-unavailable")
      }
      const before = yield* exchange.submitted
      assert.deepStrictEqual(
        before.filter(({ asset }) => asset === "HOUR"),
        []
      )
      yield* exchange.setDown(false)
      yield* TestClock.adjust("1 minute")
      yield* settle
      assert.deepStrictEqual(yield* stateOf(direct), ["completed", null, "2", "20"])
      assert.deepStrictEqual(yield* stateOf(pooled), ["completed", null, "0.5", "5"])
      assert.deepStrictEqual([yield* waitOf(direct), yield* waitOf(pooled)], [undefined, undefined])
      const after = yield* exchange.submitted
      assert.strictEqual(after.filter(({ asset }) => asset === "HOUR").length, 2)
      assert.deepStrictEqual(yield* TestWallets.balances(user), ["HOUR 2.5", "USD 75"])
    })
  )

  it.effect("a closed market", () =>
    Effect.gen(function* () {
      const { direct, exchange, pooled } = yield* placeTwo("SHUT")
      yield* exchange.setTerms({ isOpen: false })
      yield* TestClock.adjust("10 minutes")
      yield* settle
      assert.deepStrictEqual(
        [yield* reasonOf(direct), yield* reasonOf(pooled)],
        ["market-closed", "market-closed"]
      )
      yield* exchange.setTerms({})
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual([yield* reasonOf(direct), yield* reasonOf(pooled)], ["queued", "queued"])
      yield* settle
      assert.strictEqual(yield* waitOf(direct), undefined)
    })
  )

  it.effect("an order that is open at the exchange, and the time of its next lookup", () =>
    Effect.gen(function* () {
      const { direct, exchange } = yield* placeTwo("OPEN")
      yield* exchange.script([{ does: "open" }])
      yield* settle
      const wait = yield* waitOf(direct)
      assert.strictEqual(wait?.reason, "open-at-exchange")
      const at = Option.getOrThrow(Option.fromNullishOr(wait?.nextAttemptAt))
      assert.isTrue(DateTime.isGreaterThan(at, yield* DateTime.now))
    })
  )

  it.effect("an unknown outcome, and in the end an administrator", () =>
    Effect.gen(function* () {
      const { direct, exchange } = yield* placeTwo("LOST")
      yield* exchange.script([{ does: "lose-request" }])
      yield* settle
      assert.strictEqual(yield* reasonOf(direct), "outcome-unknown")
      yield* exchange.setDown(true)
      for (let i = 1; i < MAX_FAILURES; i++) {
        yield* TestClock.adjust("5 minutes")
        yield* settle
      }
      assert.deepStrictEqual(yield* waitOf(direct), { reason: "administrator", nextAttemptAt: null })
      yield* exchange.setDown(false)
    })
  )
})
