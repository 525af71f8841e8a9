import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { AssetCode } from "../../src/domain/money/Asset.ts"
import type { OrderSide } from "../../src/domain/orders/OrderSide.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { LedgerVerifier } from "../../src/ledger/LedgerVerifier.ts"
import { Batches } from "../../src/orders/settlement/Batches.ts"
import { Orders } from "../../src/orders/Orders.ts"
import type { NamedWallet } from "../../src/wallets/WalletRepo.ts"
import { walletAccount, Wallets } from "../../src/wallets/Wallets.ts"
import { ScriptedExchange } from "../support/ScriptedExchange.ts"
import * as TestOrders from "../support/TestOrders.ts"
import * as TestSettlement from "../support/TestSettlement.ts"
import * as TestWallets from "../support/TestWallets.ts"

const { list, place, stateOf } = TestOrders
const { settle } = TestSettlement

const setFrozen = Effect.fnUntraced(function* (wallet: NamedWallet, code: string, isFrozen: boolean) {
  const [account] = yield* (yield* Wallets).accountIds([walletAccount(wallet.id, AssetCode.make(code))])
  yield* (yield* Ledger).setFrozen(account ?? assert.fail("no account"), isFrozen)
})

const FAILED = ["failed", "account-frozen", "0", "0"]

/** Each account of an order: the one that pays and the one that receives, of both sides. */
const CASES: ReadonlyArray<{ readonly side: OrderSide; readonly frozen: "USD" | "asset" }> = [
  { side: "buy", frozen: "USD" },
  { side: "buy", frozen: "asset" },
  { side: "sell", frozen: "USD" },
  { side: "sell", frozen: "asset" }
]

/** A user with 100 US dollars and 10 units of an asset at 10 US dollars. */
const userOf = Effect.fnUntraced(function* (asset: string, name: string) {
  return yield* TestWallets.user(`${asset}-${name}`.toLowerCase(), { USD: "100", [asset]: "10" })
})

const FUNDS = (asset: string) => [`${asset} 10`, "USD 100"]

layer(LedgerVerifier.layer.pipe(Layer.provideMerge(TestOrders.layer())))(
  "Orders of frozen accounts",
  (it) => {
    for (const [i, { frozen, side }] of CASES.entries()) {
      const code = `FRZ${i}`
      const account = frozen === "USD" ? "USD" : code
      const title = `${side}, ${frozen === "USD" ? "US dollars" : "the asset"} frozen:`

      it.effect(`${title} are refused, also with the same key later, and hold nothing`, () =>
        Effect.gen(function* () {
          yield* list(code, "10")
          const user = yield* userOf(code, "before")
          const { order } = yield* place(user, side, code, "2", { key: "earlier" })
          yield* (yield* ScriptedExchange).always({ does: "fill", price: "10" })
          yield* settle
          const balances = yield* TestWallets.balances(user)
          yield* setFrozen(user, account, true)
          const again = place(user, side, code, "2", { key: "mine" })
          assert.include(yield* Effect.flip(again), {
            _tag: "MovementDenied",
            detail: "An account of this movement is frozen; ask the operator"
          })
          // What was placed before is returned.
          assert.deepInclude(yield* place(user, side, code, "2", { key: "earlier" }), { replayed: true })
          assert.strictEqual((yield* stateOf(order))[0], "completed")
          assert.deepStrictEqual(yield* TestWallets.balances(user), balances)
          yield* setFrozen(user, account, false)
          assert.include(yield* Effect.flip(again), { _tag: "MovementDenied" })
          assert.isFalse((yield* place(user, side, code, "2", { key: "another" })).replayed)
          yield* settle
        })
      )

      it.effect(`${title} fail before they are sent, and others of their pool do not wait`, () =>
        Effect.gen(function* () {
          yield* list(code, "10")
          const user = yield* userOf(code, "pool")
          const other = yield* userOf(code, "other")
          const exchange = yield* ScriptedExchange
          yield* exchange.always({ does: "fill", price: "10" })
          const small = yield* place(user, side, code, "0.5")
          const large = yield* place(user, side, code, "3")
          yield* setFrozen(user, account, true)
          const mine = yield* place(other, side, code, "0.4")
          const before = (yield* exchange.submitted).length
          yield* settle
          // Without the frozen order, the pool is below the threshold.
          assert.deepStrictEqual(yield* stateOf(mine.order), ["aggregated", null, null, null])
          assert.deepStrictEqual(yield* stateOf(large.order), FAILED)
          yield* TestClock.adjust("5 minutes")
          yield* settle
          assert.deepStrictEqual(yield* stateOf(small.order), FAILED)
          assert.deepStrictEqual(yield* stateOf(mine.order), ["completed", null, "0.4", "4"])
          assert.strictEqual((yield* exchange.submitted).length, before + 1)
          // It waits, but can be used only after it is unfrozen.
          assert.deepStrictEqual(yield* TestWallets.balances(user), FUNDS(code))
          const history = yield* (yield* Orders).history(large.order.id)
          assert.deepStrictEqual(
            history.map(({ state }) => state),
            ["pending", "submitted", "failed"]
          )
          assert.isTrue((yield* (yield* LedgerVerifier).verify).ok)
        })
      )

      it.effect(`${title} are settled all the same once they were sent`, () =>
        Effect.gen(function* () {
          yield* list(code, "10")
          const user = yield* userOf(code, "sent")
          const other = yield* userOf(code, "with")
          const exchange = yield* ScriptedExchange
          yield* exchange.script([
            { does: "lose-answer", outcome: { does: "fill", price: "10", part: "0.5" } }
          ])
          const orders = [yield* place(user, side, code, "0.6"), yield* place(other, side, code, "0.6")]
          yield* settle
          for (const { order } of orders) assert.strictEqual((yield* stateOf(order))[0], "submitted")
          yield* setFrozen(user, account, true)
          yield* TestClock.adjust("1 second")
          yield* settle
          for (const { order } of orders)
            assert.deepStrictEqual(yield* stateOf(order), ["completed", null, "0.3", "3"])
          const settled = side === "buy" ? [`${code} 10.3`, "USD 97"] : [`${code} 9.7`, "USD 103"]
          for (const wallet of [user, other])
            assert.deepStrictEqual(yield* TestWallets.balances(wallet), settled)
          assert.isTrue((yield* (yield* LedgerVerifier).verify).ok)
        })
      )
    }

    it.effect("are settled all the same if their batch waits for a price", () =>
      Effect.gen(function* () {
        yield* list("FRZW", "10")
        const { set } = yield* TestSettlement.TestPrices
        const exchange = yield* ScriptedExchange
        yield* exchange.always({ does: "fill", price: "10" })
        const users = [yield* userOf("FRZW", "waits"), yield* userOf("FRZW", "waits-too")] as const
        const orders = yield* Effect.forEach(users, (user) => place(user, "buy", "FRZW", "0.6"))
        yield* set("FRZW", undefined)
        yield* settle
        for (const { order } of orders) assert.strictEqual((yield* stateOf(order))[0], "submitted")
        yield* setFrozen(users[0], "USD", true)
        yield* set("FRZW", "10")
        yield* TestClock.adjust("1 second")
        yield* settle
        for (const { order } of orders)
          assert.deepStrictEqual(yield* stateOf(order), ["completed", null, "0.6", "6"])
      })
    )

    it.effect("give everything back if the exchange refuses them", () =>
      Effect.gen(function* () {
        yield* list("FRZR", "10")
        const user = yield* userOf("FRZR", "refused")
        yield* (yield* ScriptedExchange).script([{ does: "lose-answer", outcome: { does: "open" } }])
        const { order } = yield* place(user, "buy", "FRZR", "2")
        yield* settle
        yield* setFrozen(user, "USD", true)
        const { batchId } = yield* (yield* Orders).find(user.id, order.id)
        yield* (yield* ScriptedExchange).update(batchId ?? "", { state: "cancelled" })
        yield* TestClock.adjust("1 minute")
        yield* settle
        assert.deepStrictEqual(yield* stateOf(order), ["failed", "not-filled", "0", "0"])
        assert.deepStrictEqual(yield* TestWallets.balances(user), FUNDS("FRZR"))
      })
    )

    it.effect("show why their batch was rejected", () =>
      Effect.gen(function* () {
        yield* list("FRZB", "10")
        const user = yield* userOf("FRZB", "batch")
        const { order } = yield* place(user, "buy", "FRZB", "2")
        yield* setFrozen(user, "FRZB", true)
        yield* settle
        const { batchId } = yield* (yield* Orders).find(user.id, order.id)
        const batch = yield* (yield* Batches).find(batchId ?? assert.fail("no batch"))
        const never = { exchangeAmount: null, exchangeOrderId: null, submissions: 0 }
        assert.deepInclude(
          { ...batch },
          { state: "allocated", reason: "account-frozen", orders: 1, ...never }
        )
      })
    )
  }
)
