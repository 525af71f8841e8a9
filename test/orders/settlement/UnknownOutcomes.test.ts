import { assert, layer } from "@effect/vitest"
import { BigDecimal, Effect, Layer, Option } from "effect"
import { TestClock } from "effect/testing"
import { AdminActions } from "../../../src/accounts/AdminActions.ts"
import { Batches } from "../../../src/orders/settlement/Batches.ts"
import { BatchRepo } from "../../../src/orders/settlement/BatchRepo.ts"
import { SUBMISSION_GRACE } from "../../../src/orders/settlement/BatchExecution.ts"
import { Orders } from "../../../src/orders/Orders.ts"
import { ReservationRepo } from "../../../src/orders/settlement/ReservationRepo.ts"
import { MAX_FAILURES, Settlement } from "../../../src/orders/settlement/Settlement.ts"
import { LeaderTerms } from "../../../src/platform/LeaderTerms.ts"
import { Ledger } from "../../../src/ledger/Ledger.ts"
import { houseAccount, Wallets } from "../../../src/wallets/Wallets.ts"
import type { Order } from "../../../src/domain/orders/Order.ts"
import { ExchangeClient } from "../../../src/exchanges/ExchangeClient.ts"
import { AssetCode } from "../../../src/domain/money/Asset.ts"
import { ScriptedExchange } from "../../support/ScriptedExchange.ts"
import * as TestOrders from "../../support/TestOrders.ts"
import * as TestSettlement from "../../support/TestSettlement.ts"
import * as TestWallets from "../../support/TestWallets.ts"

const { list, place, stateOf } = TestOrders
const { settle } = TestSettlement

/** Submissions to the exchange for an asset, with their client order ids. */
const submissionsOf = (code: string) =>
  Effect.flatMap(ScriptedExchange, ({ submitted }) =>
    Effect.map(submitted, (all) =>
      all.filter(({ asset }) => asset === code).map(({ clientOrderId }) => clientOrderId)
    )
  )

const batchOf = Effect.fnUntraced(function* ({ id, walletId }: Order) {
  const { batchId } = yield* (yield* Orders).find(walletId, id)
  return Option.getOrThrow(yield* (yield* BatchRepo).byId(Option.getOrThrow(Option.fromNullOr(batchId))))
})

/** Places one order of 20 US dollars for an asset at 10. */
const placeOne = Effect.fnUntraced(function* (code: string) {
  yield* list(code, "10")
  const user = yield* TestWallets.user(code.toLowerCase(), { USD: "100" })
  const { order } = yield* place(user, "buy", code, "2")
  return { user, order, exchange: yield* ScriptedExchange }
})

const SUBMITTED = ["submitted", null, null, null]
const COMPLETED = ["completed", null, "2", "20"]

layer(TestOrders.layer())("Settlement with unknown outcomes", (it) => {
  it.effect("holds the money after a lost answer, looks the order up, and sends nothing twice", () =>
    Effect.gen(function* () {
      const { exchange, order, user } = yield* placeOne("ANSW")
      yield* exchange.script([{ does: "lose-answer", outcome: { does: "fill", price: "10" } }])
      yield* settle
      assert.deepStrictEqual(yield* stateOf(order), SUBMITTED)
      assert.deepStrictEqual(yield* TestWallets.balances(user), ["USD 80"])
      yield* TestClock.adjust("1 second")
      yield* settle
      assert.deepStrictEqual(yield* stateOf(order), COMPLETED)
      assert.strictEqual((yield* submissionsOf("ANSW")).length, 1)
    })
  )

  it.effect("sends a request that was lost again under the same id", () =>
    Effect.gen(function* () {
      const { exchange, order } = yield* placeOne("LOST")
      yield* exchange.script([
        { does: "lose-request" },
        { does: "lose-request" },
        { does: "fill", price: "10" }
      ])
      for (const wait of ["0 seconds", "1 second", "2 seconds"] as const) {
        assert.notDeepEqual(yield* stateOf(order), COMPLETED)
        yield* TestClock.adjust(wait)
        yield* settle
      }
      assert.deepStrictEqual(yield* stateOf(order), COMPLETED)
      const ids = yield* submissionsOf("LOST")
      assert.deepStrictEqual([ids.length, new Set(ids).size], [3, 1])
      assert.strictEqual((yield* batchOf(order)).submissions, 3)
    })
  )

  it.effect("places one order at the exchange, although it does not find it for a while", () =>
    Effect.gen(function* () {
      const { exchange, order } = yield* placeOne("HIDE")
      yield* exchange.script([{ does: "lose-answer", outcome: { does: "fill", price: "10" } }])
      yield* settle
      yield* exchange.hideLookups(1)
      yield* TestClock.adjust("1 second")
      yield* settle
      assert.deepStrictEqual(yield* stateOf(order), COMPLETED)
      const ids = new Set(yield* submissionsOf("HIDE"))
      const placed = (yield* exchange.orders).filter(({ clientOrderId }) => ids.has(clientOrderId))
      assert.strictEqual(placed.length, 1)
    })
  )

  it.effect("completes no order before the exchange has ended its own", () =>
    Effect.gen(function* () {
      const { exchange, order, user } = yield* placeOne("OPEN")
      yield* exchange.script([{ does: "open" }])
      yield* settle
      const { id } = yield* batchOf(order)
      yield* exchange.update(id, { filled: BigDecimal.make(1n, 0), cost: BigDecimal.make(10n, 0) })
      for (const wait of ["1 second", "1 minute", "1 hour"] as const) {
        yield* TestClock.adjust(wait)
        yield* settle
        assert.deepStrictEqual(yield* stateOf(order), SUBMITTED)
      }
      yield* exchange.update(id, {
        state: "filled",
        filled: BigDecimal.make(2n, 0),
        cost: BigDecimal.make(20n, 0)
      })
      yield* TestClock.adjust("1 minute")
      yield* settle
      assert.deepStrictEqual(yield* stateOf(order), COMPLETED)
      assert.deepStrictEqual(yield* TestWallets.balances(user), ["OPEN 2", "USD 80"])
    })
  )

  it.effect("refunds a certain refusal at once, and an order that ended without a fill", () =>
    Effect.gen(function* () {
      const { exchange, order, user } = yield* placeOne("REFU")
      yield* exchange.script([{ does: "refuse", kind: "insufficient-funds" }, { does: "open" }])
      yield* settle
      assert.deepStrictEqual(yield* stateOf(order), ["failed", "exchange-refused", "0", "0"])
      assert.deepStrictEqual(yield* TestWallets.balances(user), ["USD 100"])
      const { order: second } = yield* place(user, "buy", "REFU", "2")
      yield* settle
      yield* exchange.update((yield* batchOf(second)).id, { state: "cancelled" })
      yield* TestClock.adjust("1 second")
      yield* settle
      assert.deepStrictEqual(yield* stateOf(second), ["failed", "not-filled", "0", "0"])
      assert.deepStrictEqual(yield* TestWallets.balances(user), ["USD 100"])
    })
  )

  it.effect("rejects after an unknown submission only once its order cannot appear any more", () =>
    Effect.gen(function* () {
      const { exchange, order, user } = yield* placeOne("GRAC")
      yield* exchange.script([{ does: "lose-request" }, { does: "refuse" }, { does: "refuse" }])
      yield* settle
      // The second submission is refused, but the first one may still arrive.
      yield* TestClock.adjust("1 second")
      yield* settle
      assert.deepStrictEqual(yield* stateOf(order), SUBMITTED)
      assert.deepStrictEqual(yield* TestWallets.balances(user), ["USD 80"])
      yield* TestClock.adjust(SUBMISSION_GRACE)
      yield* settle
      assert.deepStrictEqual(yield* stateOf(order), ["failed", "exchange-refused", "0", "0"])
      const ids = yield* submissionsOf("GRAC")
      assert.deepStrictEqual([ids.length, new Set(ids).size], [3, 1])
    })
  )

  it.effect("sends nothing again at a price that moved", () =>
    Effect.gen(function* () {
      const { exchange, order } = yield* placeOne("MOVD")
      yield* exchange.script([{ does: "lose-request" }])
      yield* settle
      yield* (yield* TestSettlement.TestPrices).set("MOVD", "11")
      yield* TestClock.adjust("1 second")
      yield* settle
      assert.deepStrictEqual(yield* stateOf(order), SUBMITTED)
      yield* TestClock.adjust(SUBMISSION_GRACE)
      yield* settle
      assert.deepStrictEqual(yield* stateOf(order), ["failed", "price-moved", "0", "0"])
      assert.strictEqual((yield* submissionsOf("MOVD")).length, 1)
    })
  )

  it.effect(
    "keeps orders through an outage, gives a batch up after too many failures, and settles it on a retry",
    () =>
      Effect.gen(function* () {
        const { exchange, order, user } = yield* placeOne("DOWN")
        yield* exchange.setDown(true)
        yield* settle
        // Nothing is reserved while the exchange does not answer.
        assert.deepStrictEqual(yield* stateOf(order), ["pending", null, null, null])
        yield* exchange.setDown(false)
        yield* exchange.script([{ does: "lose-request" }])
        yield* TestClock.adjust("1 minute")
        yield* settle
        yield* exchange.setDown(true)
        for (let i = 1; i < MAX_FAILURES; i++) {
          yield* TestClock.adjust("5 minutes")
          yield* settle
        }
        const dead = yield* batchOf(order)
        assert.deepStrictEqual(
          [dead.state, dead.failures, dead.deadAt !== null],
          ["sent", MAX_FAILURES, true]
        )
        yield* exchange.setDown(false)
        yield* settle
        assert.deepStrictEqual(yield* stateOf(order), SUBMITTED)
        assert.deepStrictEqual(yield* TestWallets.balances(user), ["USD 80"])
        yield* (yield* Batches).retry({ id: dead.id, principal: "test", reason: "it is up" })
        yield* exchange.always({ does: "fill", price: "10" })
        yield* settle
        assert.deepStrictEqual(yield* stateOf(order), COMPLETED)
        const [action] = yield* (yield* AdminActions).list({ subject: dead.id, before: undefined, limit: 1 })
        assert.include(action, { action: "order.batch.retry", principal: "test", reason: "it is up" })
        const again = (yield* Batches).retry({ id: dead.id, principal: "test", reason: "again" })
        assert.strictEqual((yield* Effect.flip(again))._tag, "BatchAllocated")
      })
  )

  it.effect("gives the money back if an order could not be sent for more than an hour", () =>
    Effect.gen(function* () {
      const { order, user } = yield* placeOne("NOPR")
      yield* (yield* TestSettlement.TestPrices).set("NOPR", undefined)
      for (let i = 1; i < MAX_FAILURES; i++) {
        yield* settle
        assert.notStrictEqual((yield* stateOf(order))[0], "failed")
        yield* TestClock.adjust("5 minutes")
      }
      yield* settle
      assert.deepStrictEqual(yield* stateOf(order), ["failed", "not-sent", "0", "0"])
      assert.deepStrictEqual(yield* TestWallets.balances(user), ["USD 100"])
      assert.strictEqual((yield* submissionsOf("NOPR")).length, 0)
    })
  )

  it.effect("waits for a frozen account of the house, without delaying other batches", () =>
    Effect.gen(function* () {
      const { exchange, order } = yield* placeOne("FROZ")
      yield* exchange.always({ does: "fill", price: "10" })
      const { setFrozen } = yield* Ledger
      const [account] = yield* (yield* Wallets).accountIds([houseAccount("exchange", AssetCode.make("FROZ"))])
      if (account === undefined) return assert.fail("no account")
      yield* setFrozen(account, true)
      const { order: other } = yield* placeOne("WARM")
      yield* settle
      assert.deepStrictEqual(yield* stateOf(order), SUBMITTED)
      assert.strictEqual((yield* batchOf(order)).state, "filled")
      assert.deepStrictEqual(yield* stateOf(other), COMPLETED)
      yield* setFrozen(account, false)
      yield* TestClock.adjust("1 second")
      yield* settle
      assert.deepStrictEqual(yield* stateOf(order), COMPLETED)
    })
  )

  it.effect("makes one batch of a pool that two nodes see reach the threshold", () =>
    Effect.gen(function* () {
      yield* list("NODE", "1")
      const user = yield* TestWallets.user("node", { USD: "100" })
      yield* place(user, "buy", "NODE", "6")
      yield* place(user, "buy", "NODE", "7")
      const { startTerm } = yield* LeaderTerms
      const leader = yield* startTerm("settlement")
      const second = yield* Layer.build(Layer.fresh(TestOrders.node))
      // The slower one fails at a state that the other one has changed.
      const run = Effect.exit(Effect.flatMap(Settlement, ({ settleDue }) => settleDue(leader)))
      yield* Effect.all([run, Effect.provideContext(run, second)], { concurrency: "unbounded" })
      yield* settle
      assert.strictEqual(new Set(yield* submissionsOf("NODE")).size, 1)
      assert.deepStrictEqual(yield* TestWallets.balances(user), ["NODE 13", "USD 87"])
    })
  )

  it.effect(
    "neither looks up nor sends a batch that was sent to another exchange, and keeps its money held",
    () =>
      Effect.gen(function* () {
        const { exchange, order, user } = yield* placeOne("ELSE")
        yield* exchange.script([{ does: "lose-answer", outcome: { does: "open" } }])
        yield* settle
        const client = yield* ExchangeClient
        const other = Layer.succeed(ExchangeClient, {
          ...client,
          name: "other",
          find: () => Effect.die("looked up at the other exchange"),
          submit: () => Effect.die("sent to the other exchange")
        })
        const nodeOfOther = yield* Layer.build(Layer.fresh(TestOrders.node.pipe(Layer.provide(other))))
        yield* Effect.provideContext(
          Effect.forEach(["1 second", "1 minute", "6 minutes"] as const, (wait) =>
            Effect.andThen(TestClock.adjust(wait), settle)
          ),
          nodeOfOther
        )
        const { deadAt, lastError, state } = yield* batchOf(order)
        assert.deepStrictEqual([state, deadAt], ["sent", null])
        assert.match(lastError ?? "", /^it was sent to scripted, but EXCHANGE is other/)
        assert.deepStrictEqual(yield* stateOf(order), SUBMITTED)
        assert.deepStrictEqual(yield* TestWallets.balances(user), ["USD 80"])
        // Back at the exchange that has the order.
        const { id } = yield* batchOf(order)
        const ended = { filled: BigDecimal.make(2n, 0), cost: BigDecimal.make(20n, 0) }
        yield* exchange.update(id, { state: "filled", ...ended })
        yield* TestClock.adjust("1 minute")
        yield* settle
        assert.deepStrictEqual(yield* stateOf(order), COMPLETED)
        assert.strictEqual((yield* submissionsOf("ELSE")).length, 1)
      })
  )

  it.effect("refuses every write of a former leader", () =>
    Effect.gen(function* () {
      const { order } = yield* placeOne("FENC")
      const { startTerm } = yield* LeaderTerms
      const former = yield* startTerm("settlement")
      const { batchId } = yield* Effect.andThen(
        (yield* ReservationRepo).reserve(
          former,
          { asset: order.asset, side: "buy", orderIds: [order.id] },
          { threshold: BigDecimal.make(10n, 0), maxWait: SUBMISSION_GRACE }
        ),
        (yield* Orders).find(order.walletId, order.id)
      )
      assert.isNotNull(batchId)
      yield* startTerm("settlement")
      const { settleDue } = yield* Settlement
      assert.strictEqual((yield* Effect.flip(settleDue(former)))._tag, "Superseded")
      assert.strictEqual((yield* submissionsOf("FENC")).length, 0)
      yield* settle
      assert.deepStrictEqual(yield* stateOf(order), COMPLETED)
    })
  )
})
