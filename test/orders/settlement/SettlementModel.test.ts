import { assert, layer } from "@effect/vitest"
import { BigDecimal, Effect, Layer, Random } from "effect"
import { TestClock } from "effect/testing"
import * as Decimal from "../../../src/domain/money/Decimal.ts"
import type { Order } from "../../../src/domain/orders/Order.ts"
import { LedgerVerifier } from "../../../src/ledger/LedgerVerifier.ts"
import { Orders } from "../../../src/orders/Orders.ts"
import { ScriptedExchange, type Submission } from "../../support/ScriptedExchange.ts"
import * as TestOrders from "../../support/TestOrders.ts"
import * as TestSettlement from "../../support/TestSettlement.ts"
import * as TestWallets from "../../support/TestWallets.ts"

const ZERO = BigDecimal.make(0n, 0)
const SEEDS = 8
const STEPS = 60

const oneOf = <A>(values: readonly [A, ...ReadonlyArray<A>]) =>
  Effect.map(Random.nextIntBetween(0, values.length), (i) => values[i] ?? values[0])

const submission = Effect.gen(function* () {
  const price = yield* oneOf(["9.7", "10", "10.123456"])
  const part = yield* oneOf(["1", "1", "0.5", "0.333", "0.001"])
  const fee = yield* oneOf(["0", "0.0123"])
  const fill: Submission = { does: "fill", price, part, fee }
  return yield* oneOf<Submission>([
    fill,
    fill,
    { does: "refuse" },
    { does: "lose-request" },
    { does: "lose-answer", outcome: fill },
    { does: "lose-answer", outcome: { does: "refuse" } }
  ])
})

/** One random action of users, of time, of the market, or of the exchange. */
const act = Effect.fnUntraced(function* (
  code: string,
  users: readonly [TestUser, ...ReadonlyArray<TestUser>],
  placed: Array<Order>
) {
  const exchange = yield* ScriptedExchange
  const { set } = yield* TestSettlement.TestPrices
  switch (yield* oneOf(["place", "place", "place", "cancel", "settle", "wait", "price", "outage", "hide"])) {
    case "place": {
      const amount = `${yield* Random.nextIntBetween(0, 3)}.${yield* Random.nextIntBetween(100, 999)}`
      const side = yield* oneOf(["buy", "sell"] as const)
      const { order } = yield* TestOrders.place(yield* oneOf(users), side, code, amount)
      return void placed.push(order)
    }
    case "cancel": {
      const order = placed[yield* Random.nextIntBetween(0, Math.max(1, placed.length))]
      const { cancel } = yield* Orders
      if (order !== undefined) yield* Effect.ignore(cancel(order.walletId, order.id, "test"))
      return
    }
    case "settle":
      yield* exchange.script(yield* Effect.forEach([1, 2, 3], () => submission))
      return void (yield* TestSettlement.settle)
    case "wait":
      return yield* TestClock.adjust(yield* oneOf(["1 second", "30 seconds", "6 minutes"] as const))
    case "price":
      return yield* set(code, yield* oneOf(["10", "10.1", "11", "9"]))
    case "outage":
      return yield* exchange.setDown(yield* oneOf([true, false, false]))
    case "hide":
      return yield* exchange.hideLookups(1)
  }
})

type TestUser = Effect.Success<ReturnType<typeof TestWallets.user>>

/** What a user has after all orders: the first balances, and what each order has moved. */
const expectedOf = Effect.fnUntraced(function* (user: TestUser, code: string, placed: ReadonlyArray<Order>) {
  const { find } = yield* Orders
  let dollars = BigDecimal.make(1000n, 0)
  let units = BigDecimal.make(100n, 0)
  for (const { id, walletId } of placed) {
    if (walletId !== user.id) continue
    const { charged, filled, side } = yield* find(walletId, id)
    const [paid, got] = [charged ?? ZERO, filled ?? ZERO]
    dollars = side === "buy" ? BigDecimal.subtract(dollars, paid) : BigDecimal.sum(dollars, paid)
    units = side === "buy" ? BigDecimal.sum(units, got) : BigDecimal.subtract(units, got)
  }
  return [`${code} ${Decimal.format(units)}`, `USD ${Decimal.format(dollars)}`]
})

layer(LedgerVerifier.layer.pipe(Layer.provideMerge(TestOrders.layer())))(
  "Settlement of random histories",
  (it) => {
    for (let seed = 1; seed <= SEEDS; seed++)
      it.effect(`settles each order once, and leaves books that balance, with seed ${seed}`, () =>
        Effect.gen(function* () {
          const code = `M${seed}`
          yield* TestOrders.list(code, "10")
          const first = yield* TestWallets.user(`model-a${seed}`, { USD: "1000", [code]: "100" })
          const second = yield* TestWallets.user(`model-b${seed}`, { USD: "1000", [code]: "100" })
          const placed: Array<Order> = []
          for (let i = 0; i < STEPS; i++) yield* act(code, [first, second], placed)

          // The exchange and the market recover.
          const exchange = yield* ScriptedExchange
          yield* exchange.setDown(false)
          yield* exchange.hideLookups(0)
          yield* exchange.always({ does: "fill", price: "10" })
          yield* (yield* TestSettlement.TestPrices).set(code, "10")
          while ((yield* TestSettlement.unsettled) > 0) {
            yield* TestClock.adjust("6 minutes")
            yield* TestSettlement.settle
          }

          for (const user of [first, second])
            assert.deepStrictEqual(yield* TestWallets.balances(user), yield* expectedOf(user, code, placed))
          const submitted = (yield* exchange.submitted).filter(({ asset }) => asset === code)
          const sides = new Map(submitted.map(({ clientOrderId, side }) => [clientOrderId, side]))
          let atExchange = ZERO
          for (const { clientOrderId, filled } of yield* exchange.orders) {
            const side = sides.get(clientOrderId)
            if (side === "buy") atExchange = BigDecimal.subtract(atExchange, filled)
            if (side === "sell") atExchange = BigDecimal.sum(atExchange, filled)
          }
          const booked = (yield* TestOrders.house).find((line) => line.startsWith(`exchange ${code} `))
          // The exchange fills more decimals than the asset has.
          const difference = BigDecimal.subtract(
            BigDecimal.fromStringUnsafe(booked?.split(" ")[2] ?? "0"),
            atExchange
          )
          const dust = BigDecimal.make(BigInt(submitted.length), 8)
          assert.isTrue(
            BigDecimal.isLessThanOrEqualTo(BigDecimal.abs(difference), dust),
            Decimal.format(difference)
          )
          assert.strictEqual(yield* TestOrders.openHolds, 0)
          assert.isTrue((yield* (yield* LedgerVerifier).verify).ok)
        }).pipe(Random.withSeed(`orders ${seed}`))
      )
  }
)
