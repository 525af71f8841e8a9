import { assert, layer } from "@effect/vitest"
import { BigDecimal, DateTime, Duration, Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import * as Decimal from "../../../src/domain/money/Decimal.ts"
import { LedgerVerifier } from "../../../src/ledger/LedgerVerifier.ts"
import { Orders } from "../../../src/orders/Orders.ts"
import { ReservationRepo } from "../../../src/orders/settlement/ReservationRepo.ts"
import { Database } from "../../../src/platform/postgres/Database.ts"
import { Statement } from "../../../src/wallets/Statement.ts"
import { ScriptedExchange } from "../../support/ScriptedExchange.ts"
import * as TestOrders from "../../support/TestOrders.ts"
import * as TestSettlement from "../../support/TestSettlement.ts"
import * as TestWallets from "../../support/TestWallets.ts"

const { list, place, stateOf } = TestOrders
const { settle } = TestSettlement

layer(LedgerVerifier.layer.pipe(Layer.provideMerge(TestOrders.layer())))("Settlement", (it) => {
  it.effect("sends an order of at least the threshold alone, and charges the locked price", () =>
    Effect.gen(function* () {
      const ann = yield* TestWallets.user("ann", { USD: "100" })
      yield* list("ABAN", "4")
      yield* (yield* ScriptedExchange).always({ does: "fill", price: "3.9" })
      const { order } = yield* place(ann, "buy", "ABAN", "3")
      assert.deepStrictEqual([order.state, order.isAggregated], ["pending", false])
      assert.deepStrictEqual(yield* TestWallets.balances(ann), ["USD 88"])
      yield* settle
      assert.deepStrictEqual(yield* stateOf(order), ["completed", null, "3", "12"])
      assert.deepStrictEqual(yield* TestWallets.balances(ann), ["ABAN 3", "USD 88"])
      assert.deepStrictEqual(yield* TestOrders.house, [
        "exchange ABAN -3",
        "exchange USD 11.7",
        "slippage USD 0.3"
      ])
    })
  )

  it.effect("pools smaller orders until their exact sum reaches the threshold", () =>
    Effect.gen(function* () {
      const bob = yield* TestWallets.user("bob", { USD: "100" })
      const cid = yield* TestWallets.user("cid", { USD: "100" })
      yield* list("POOL", "0.1")
      const exchange = yield* ScriptedExchange
      yield* exchange.always({ does: "fill", price: "0.1" })
      const before = (yield* exchange.submitted).length
      const placed = yield* Effect.forEach(Array.from({ length: 99 }), (_, i) =>
        place(i % 2 === 0 ? bob : cid, "buy", "POOL", "1")
      )
      yield* settle
      assert.strictEqual((yield* exchange.submitted).length, before)
      const last = yield* place(bob, "buy", "POOL", "1")
      assert.strictEqual(last.order.state, "aggregated")
      yield* settle
      const [bulk, ...others] = (yield* exchange.submitted).slice(before)
      assert.deepStrictEqual([bulk?.asset, bulk && Decimal.format(bulk.amount)], ["POOL", "100"])
      assert.deepStrictEqual(others, [])
      for (const { order } of [...placed, last])
        assert.deepStrictEqual(yield* stateOf(order), ["completed", null, "1", "0.1"])
      assert.deepStrictEqual(yield* TestWallets.balances(bob), ["POOL 51", "USD 94.9"])
      assert.deepStrictEqual(yield* TestWallets.balances(cid), ["POOL 49", "USD 95.1"])
    })
  )

  it.effect("settles a pool once its oldest order has waited long enough", () =>
    Effect.gen(function* () {
      const dan = yield* TestWallets.user("dan", { USD: "5" })
      yield* list("WAIT", "1")
      yield* (yield* ScriptedExchange).always({ does: "fill", price: "1" })
      const { order } = yield* place(dan, "buy", "WAIT", "2")
      yield* TestClock.adjust("299 seconds")
      yield* settle
      assert.deepStrictEqual(yield* stateOf(order), ["aggregated", null, null, null])
      yield* TestClock.adjust("1 second")
      yield* settle
      assert.deepStrictEqual(yield* stateOf(order), ["completed", null, "2", "2"])
      const history = yield* (yield* Orders).history(order.id)
      assert.deepStrictEqual(
        history.map(({ at, state }) => [state, at.epochMilliseconds]),
        [
          ["aggregated", 0],
          ["submitted", 300_000],
          ["completed", 300_000]
        ]
      )
    })
  )

  it.effect("divides a partial fill pro rata, and gives back what was not used", () =>
    Effect.gen(function* () {
      const users = yield* Effect.forEach(["part1", "part2", "part3"], (name) =>
        TestWallets.user(name, { USD: "10" })
      )
      yield* list("PART", "0.1", { decimals: 0 })
      yield* (yield* ScriptedExchange).script([{ does: "fill", price: "0.1", part: "0.25" }])
      const orders = yield* Effect.forEach(users, (user, i) =>
        Effect.map(place(user, "buy", "PART", ["25", "13", "62"][i] ?? ""), ({ order }) => order)
      )
      yield* settle
      // 25 of 100: 6.25, 3.25 and 15.5.
      assert.deepStrictEqual(yield* Effect.forEach(orders, stateOf), [
        ["completed", null, "6", "0.6"],
        ["completed", null, "3", "0.3"],
        ["completed", null, "16", "1.6"]
      ])
      assert.deepStrictEqual(yield* Effect.forEach(users, TestWallets.balances), [
        ["PART 6", "USD 9.4"],
        ["PART 3", "USD 9.7"],
        ["PART 16", "USD 8.4"]
      ])
    })
  )

  it.effect("fails an order whose share is zero, and gives everything back", () =>
    Effect.gen(function* () {
      const tiny = yield* TestWallets.user("tiny", { USD: "10" })
      const big = yield* TestWallets.user("big", { USD: "100" })
      yield* list("ZERO", "0.05", { decimals: 0 })
      yield* (yield* ScriptedExchange).script([{ does: "fill", price: "0.05", part: "0.1" }])
      const one = yield* place(tiny, "buy", "ZERO", "1")
      const most = yield* place(big, "buy", "ZERO", "199")
      yield* settle
      assert.deepStrictEqual(yield* stateOf(one.order), ["failed", "not-filled", "0", "0"])
      assert.deepStrictEqual(yield* stateOf(most.order), ["completed", null, "20", "1"])
      assert.deepStrictEqual(yield* TestWallets.balances(tiny), ["USD 10"])
    })
  )

  it.effect("mirrors a sell: holds the asset, and pays the locked proceeds", () =>
    Effect.gen(function* () {
      yield* list("SELL", "2")
      const eve = yield* TestWallets.user("eve", { SELL: "10" })
      yield* (yield* ScriptedExchange).script([{ does: "fill", price: "2.1", part: "0.5", fee: "0.02" }])
      const { order } = yield* place(eve, "sell", "SELL", "8")
      assert.deepStrictEqual(yield* TestWallets.balances(eve), ["SELL 2"])
      yield* settle
      assert.deepStrictEqual(yield* stateOf(order), ["completed", null, "4", "8"])
      assert.deepStrictEqual(yield* TestWallets.balances(eve), ["SELL 6", "USD 8"])
      assert.include(yield* TestOrders.house, "exchange SELL 4")
    })
  )

  it.effect("buys the minimum of the exchange, and the house takes what exceeds the orders", () =>
    Effect.gen(function* () {
      const fay = yield* TestWallets.user("fay", { USD: "100" })
      yield* list("LOTS", "8")
      const exchange = yield* ScriptedExchange
      yield* exchange.always({ does: "fill", price: "8" })
      yield* exchange.setTerms({ increment: BigDecimal.make(5n, 0) })
      yield* place(fay, "buy", "LOTS", "2")
      yield* settle
      yield* exchange.setTerms({})
      assert.deepStrictEqual(yield* TestWallets.balances(fay), ["LOTS 2", "USD 84"])
      const house = yield* TestOrders.house
      assert.include(house, "exchange LOTS -5")
      assert.include(house, "liquidity LOTS 3")
      assert.include(house, "liquidity USD -24")
    })
  )

  it.effect(
    "refuses a sell below the minimum of the exchange, because the house sells nothing it does not have",
    () =>
      Effect.gen(function* () {
        yield* list("FEW", "8")
        const gus = yield* TestWallets.user("gus", { FEW: "10" })
        const exchange = yield* ScriptedExchange
        yield* exchange.setTerms({ minimumAmount: BigDecimal.make(5n, 0) })
        const { order } = yield* place(gus, "sell", "FEW", "2")
        yield* settle
        yield* exchange.setTerms({})
        assert.deepStrictEqual(yield* stateOf(order), ["failed", "below-exchange-minimum", "0", "0"])
        assert.deepStrictEqual(yield* TestWallets.balances(gus), ["FEW 10"])
      })
  )

  it.effect("places no bulk order after the price moved, and refunds its orders", () =>
    Effect.gen(function* () {
      const hal = yield* TestWallets.user("hal", { USD: "100" })
      yield* list("MOVE", "10")
      const exchange = yield* ScriptedExchange
      const before = (yield* exchange.submitted).length
      const { order } = yield* place(hal, "buy", "MOVE", "2")
      yield* (yield* TestSettlement.TestPrices).set("MOVE", "10.21")
      yield* settle
      assert.deepStrictEqual(yield* stateOf(order), ["failed", "price-moved", "0", "0"])
      assert.deepStrictEqual(yield* TestWallets.balances(hal), ["USD 100"])
      assert.strictEqual((yield* exchange.submitted).length, before)
    })
  )

  it.effect("keeps orders of a closed market until it opens, so that pooled ones can be cancelled", () =>
    Effect.gen(function* () {
      const ida = yield* TestWallets.user("ida", { USD: "100" })
      yield* list("SHUT", "10")
      const exchange = yield* ScriptedExchange
      yield* exchange.always({ does: "fill", price: "10" })
      yield* exchange.setTerms({ isOpen: false })
      const { order: direct } = yield* place(ida, "buy", "SHUT", "2")
      const { order: pooled } = yield* place(ida, "buy", "SHUT", "0.5")
      yield* TestClock.adjust("1 hour")
      yield* settle
      assert.deepStrictEqual(yield* stateOf(direct), ["pending", null, null, null])
      yield* (yield* Orders).cancel(ida.id, pooled.id, "test")
      yield* exchange.setTerms({})
      yield* TestClock.adjust("1 minute")
      yield* settle
      assert.deepStrictEqual(yield* stateOf(direct), ["completed", null, "2", "20"])
      assert.deepStrictEqual(yield* TestWallets.balances(ida), ["SHUT 2", "USD 80"])
    })
  )

  it.effect("has no opposite orders for one asset at the exchange at the same time", () =>
    Effect.gen(function* () {
      yield* list("WASH", "10")
      const kim = yield* TestWallets.user("kim", { USD: "100", WASH: "10" })
      const exchange = yield* ScriptedExchange
      yield* exchange.always({ does: "fill", price: "10" })
      yield* exchange.script([{ does: "open" }])
      const { order: first } = yield* place(kim, "buy", "WASH", "1")
      yield* settle
      const { order: sell } = yield* place(kim, "sell", "WASH", "2")
      const { order: last } = yield* place(kim, "buy", "WASH", "3")
      yield* settle
      // The last one may not overtake, or a stream of buyers would keep the seller waiting.
      const states = Effect.forEach([first, sell, last], (order) =>
        Effect.map(stateOf(order), ([state]) => state)
      )
      assert.deepStrictEqual(yield* states, ["submitted", "pending", "pending"])
      const { batchId } = yield* (yield* Orders).find(kim.id, first.id)
      const ended = { filled: BigDecimal.make(1n, 0), cost: BigDecimal.make(10n, 0) }
      yield* exchange.update(String(batchId), { state: "filled", ...ended })
      yield* TestClock.adjust("1 second")
      yield* settle
      assert.deepStrictEqual(yield* states, ["completed", "completed", "completed"])
      const sides = (yield* exchange.submitted)
        .filter(({ asset }) => asset === "WASH")
        .map(({ side }) => side)
      assert.deepStrictEqual(sides, ["buy", "sell", "buy"])
      assert.deepStrictEqual(yield* TestWallets.balances(kim), ["USD 80", "WASH 12"])
    })
  )

  it.effect("lists orders of every asset, however many wait for one whose market is closed", () =>
    Effect.gen(function* () {
      yield* list("MANY", "10")
      yield* list("REST", "10")
      const lou = yield* TestWallets.user("lou", { USD: "100" })
      for (const code of ["MANY", "MANY", "REST"]) yield* place(lou, "buy", code, "1")
      const rule = { threshold: BigDecimal.make(10n, 0), maxWait: Duration.minutes(5) }
      const listed = yield* (yield* ReservationRepo).waiting(yield* DateTime.now, rule, 1)
      assert.deepStrictEqual(
        listed.map(({ asset }) => asset as string),
        ["MANY", "REST"]
      )
      yield* settle
    })
  )

  it.effect("refunds orders of an asset that the exchange suspended", () =>
    Effect.gen(function* () {
      const leo = yield* TestWallets.user("leo", { USD: "100" })
      yield* list("SUSP", "10")
      const exchange = yield* ScriptedExchange
      const { order } = yield* place(leo, "buy", "SUSP", "2")
      yield* exchange.setTerms({ tradable: false })
      yield* settle
      yield* exchange.setTerms({})
      assert.deepStrictEqual(yield* stateOf(order), ["failed", "not-tradable", "0", "0"])
      assert.deepStrictEqual(yield* TestWallets.balances(leo), ["USD 100"])
    })
  )

  it.effect("shows one transaction for each order, also if one batch has several orders of a user", () =>
    Effect.gen(function* () {
      const jan = yield* TestWallets.user("jan", { USD: "100" })
      yield* list("TWICE", "1")
      yield* (yield* ScriptedExchange).always({ does: "fill", price: "1" })
      const first = yield* place(jan, "buy", "TWICE", "6")
      const second = yield* place(jan, "buy", "TWICE", "7")
      yield* settle
      const { rows } = yield* (yield* Statement).page(jan.id, {}, undefined, 100)
      assert.deepStrictEqual(
        rows
          .filter(({ kind }) => kind !== "deposit")
          .map(({ asset, change, kind, orderId }) => [kind, asset, Decimal.format(change), orderId])
          .toSorted(),
        [first, second]
          .flatMap(({ order: { id, total } }) => [
            ["order.settlement", "TWICE", Decimal.format(total), id],
            ["order.settlement", "USD", `-${Decimal.format(total)}`, id]
          ])
          .toSorted()
      )
    })
  )

  it.effect("settles orders that are sent alone at the same time in shared transactions", () =>
    Effect.gen(function* () {
      const amy = yield* TestWallets.user("amy", { USD: "1000" })
      yield* list("SOLO", "10")
      const exchange = yield* ScriptedExchange
      yield* exchange.always({ does: "fill", price: "10" })
      const orders = yield* Effect.replicateEffect(place(amy, "buy", "SOLO", "2"), 40)
      yield* settle
      for (const { order } of orders)
        assert.deepStrictEqual(yield* stateOf(order), ["completed", null, "2", "20"])
      assert.strictEqual((yield* exchange.submitted).filter(({ asset }) => asset === "SOLO").length, 40)
      assert.deepStrictEqual(yield* TestWallets.balances(amy), ["SOLO 80", "USD 200"])
      const { sql } = yield* Database
      const transactions = yield* sql`
        SELECT DISTINCT xmin::text FROM settlement_batch WHERE asset = 'SOLO'`
      assert.isBelow(transactions.length, 20)
    })
  )

  it.effect("settles the others if one of them cannot be reserved or settled", () =>
    Effect.gen(function* () {
      const ben = yield* TestWallets.user("ben", { USD: "1000" })
      yield* list("BADS", "10")
      yield* (yield* ScriptedExchange).always({ does: "fill", price: "10" })
      const orders = yield* Effect.replicateEffect(place(ben, "buy", "BADS", "2"), 3)
      const [reserved, allocated, good] = orders.map(({ order }) => order)
      if (reserved === undefined || allocated === undefined || good === undefined)
        return assert.fail("no order")
      const { sql } = yield* Database
      yield* sql`
        CREATE FUNCTION refuse_test() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'test'; END $$`
      yield* sql.unsafe(`
        CREATE TRIGGER test BEFORE UPDATE ON customer_order FOR EACH ROW
        WHEN ((NEW.id, NEW.state) IN (('${reserved.id}', 'submitted'), ('${allocated.id}', 'completed')))
        EXECUTE FUNCTION refuse_test()`)
      yield* settle
      yield* sql`DROP TRIGGER test ON customer_order`
      assert.deepStrictEqual(yield* Effect.forEach([reserved, allocated, good], stateOf), [
        ["pending", null, null, null],
        ["submitted", null, null, null],
        ["completed", null, "2", "20"]
      ])
      yield* TestClock.adjust("1 second")
      yield* settle
      for (const { order } of orders)
        assert.deepStrictEqual(yield* stateOf(order), ["completed", null, "2", "20"])
    })
  )

  it.effect("leaves books that balance, no open hold, and what the exchange filled", () =>
    Effect.gen(function* () {
      const { verify } = yield* LedgerVerifier
      assert.isTrue((yield* verify).ok)
      assert.strictEqual(yield* TestOrders.openHolds, 0)
      const filled = new Map<string, BigDecimal.BigDecimal>()
      const exchange = yield* ScriptedExchange
      const submitted = yield* exchange.submitted
      for (const { clientOrderId, filled: part } of yield* exchange.orders) {
        const order = submitted.find((order) => order.clientOrderId === clientOrderId)
        if (order === undefined) continue
        const signed = order.side === "buy" ? BigDecimal.negate(part) : part
        filled.set(order.asset, BigDecimal.sum(filled.get(order.asset) ?? BigDecimal.make(0n, 0), signed))
      }
      const expected = Array.from(filled, ([asset, amount]) => `exchange ${asset} ${Decimal.format(amount)}`)
      const booked = (yield* TestOrders.house).filter((line) => /^exchange (?!USD)/.test(line))
      assert.deepStrictEqual(booked, expected.toSorted())
    })
  )
})
