import { assert, layer } from "@effect/vitest"
import { Effect, Exit, Layer, Result } from "effect"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { LedgerVerifier } from "../../src/ledger/LedgerVerifier.ts"
import { Orders } from "../../src/orders/Orders.ts"
import { Database } from "../../src/platform/postgres/Database.ts"
import { StoreUnavailable } from "../../src/platform/postgres/StoreUnavailable.ts"
import { ScriptedExchange } from "../support/ScriptedExchange.ts"
import * as TestConversions from "../support/TestConversions.ts"
import * as TestDatabase from "../support/TestDatabase.ts"
import * as TestOrders from "../support/TestOrders.ts"
import * as TestRisk from "../support/TestRisk.ts"
import * as TestSettlement from "../support/TestSettlement.ts"
import * as TestWallets from "../support/TestWallets.ts"

const { list, place } = TestOrders

const CALLERS = 64
const LIMITS = {
  RISK_HOUR_VALUE: "500",
  RISK_HOUR_COUNT: "1000",
  RISK_REVIEW_VALUE: "100000",
  RISK_SMALL_ORDERS: "1000"
}

/** Orders on a ledger that applies the risk rules. */
const orders = Layer.mergeAll(TestOrders.node, LedgerVerifier.layer).pipe(
  Layer.provideMerge(Layer.mergeAll(ScriptedExchange.layer, TestSettlement.TestPrices.layer)),
  Layer.provideMerge(TestRisk.node),
  Layer.provideMerge(TestRisk.TestFacts.layer),
  Layer.provideMerge(
    TestDatabase.layer({ JWT_SIGNING_KEY: TestConversions.SIGNING_KEY, ORDER_SPREAD: "0", ...LIMITS })
  )
)

/** Runs numbered requests at once. */
const concurrently = <A, E, R>(count: number, request: (n: number) => Effect.Effect<A, E, R>) =>
  Effect.forEach(
    Array.from({ length: count }, (_, n) => n),
    (n) => Effect.exit(Effect.result(request(n))),
    { concurrency: "unbounded" }
  )

type Outcome = Exit.Exit<Result.Result<{ readonly replayed: boolean }, { readonly _tag: string }>>

const outcomeOf = (exit: Outcome) => {
  if (Exit.isFailure(exit)) return Exit.hasDies(exit) ? "Died" : "Interrupted"
  if (Result.isFailure(exit.value)) return exit.value.failure._tag
  return exit.value.success.replayed ? "Replayed" : "Placed"
}

/** Counts each outcome. */
const tally = (outcomes: ReadonlyArray<string>) => {
  const counts: Record<string, number> = {}
  for (const outcome of outcomes) counts[outcome] = (counts[outcome] ?? 0) + 1
  return counts
}

/** Orders of an asset, their open holds, and the number of transactions that stored them. */
const storedOf = Effect.fnUntraced(function* (asset: string) {
  const { sql } = yield* Database
  const rows = yield* sql<{ hold: string | null; transaction: string }>`
    SELECT ledger_open_hold.hold_id AS hold, customer_order.xmin::text AS transaction
    FROM customer_order LEFT JOIN ledger_open_hold USING (hold_id) WHERE asset = ${asset}`
  return {
    orders: rows.length,
    holds: rows.filter(({ hold }) => hold !== null).length,
    transactions: new Set(rows.map(({ transaction }) => transaction)).size
  }
})

const isLedgerWhole = Effect.gen(function* () {
  const { verify } = yield* LedgerVerifier
  return (yield* verify).ok
})

layer(orders)("Concurrent orders", (it) => {
  it.effect("share a transaction, and those that are refused fail no others", () =>
    Effect.gen(function* () {
      yield* list("GRUP", "10")
      const poor = yield* TestWallets.user("grup-poor", { USD: "5" })
      const twice = yield* TestWallets.user("grup-twice", { USD: "100" })
      const used = yield* TestWallets.user("grup-used", { USD: "100" })
      const eager = yield* TestWallets.user("grup-eager", { USD: "1000" })
      const others = yield* TestWallets.user("grup-others", { USD: "1000" })
      yield* place(used, "buy", "GRUP", "1", { clientOrderId: "mine" })
      const request = (n: number) => {
        if (n === 0) return place(poor, "buy", "GRUP", "1", { key: "poor" })
        if (n === 1 || n === 2) return place(twice, "buy", "GRUP", "1", { key: "twice" })
        if (n === 3) return place(used, "buy", "GRUP", "1", { clientOrderId: "mine", key: "used" })
        if (n === 4) return place(eager, "buy", "GRUP", "60", { key: "eager" })
        return place(others, "buy", "GRUP", "0.1", { key: `other ${n}` })
      }
      const refused = ["InsufficientFunds", "Placed", "Replayed", "ClientOrderIdUsed", "MovementDenied"]
      const outcomes = (yield* concurrently(CALLERS, request)).map(outcomeOf)
      assert.deepStrictEqual(outcomes.slice(0, 5), refused)
      assert.deepStrictEqual(tally(outcomes.slice(5)), { Placed: CALLERS - 5 })
      const { holds, orders, transactions } = yield* storedOf("GRUP")
      assert.deepStrictEqual({ holds, orders }, { holds: CALLERS - 3, orders: CALLERS - 3 })
      // The first order of this test has one of its own.
      assert.isAtMost(transactions, 4)
      assert.deepStrictEqual(
        yield* Effect.forEach([poor, twice, used, eager, others], TestWallets.balances),
        [["USD 5"], ["USD 90"], ["USD 90"], ["USD 1000"], ["USD 941"]]
      )
      assert.isTrue(yield* isLedgerWhole)

      // The first outcome of a key is final, whatever has changed.
      yield* TestWallets.fund(poor, "100", "USD")
      yield* (yield* TestSettlement.TestPrices).set("GRUP", "1")
      const retried = (yield* concurrently(CALLERS, request)).map(outcomeOf)
      assert.deepStrictEqual(
        retried.slice(0, 5),
        refused.map((outcome) => (outcome === "Placed" ? "Replayed" : outcome))
      )
      assert.deepStrictEqual(tally(retried.slice(5)), { Replayed: CALLERS - 5 })
      assert.strictEqual((yield* storedOf("GRUP")).orders, CALLERS - 3)
    })
  )

  it.effect("fail alone if the database rejects one of them", () =>
    Effect.gen(function* () {
      yield* list("BRKN", "10")
      const ann = yield* TestWallets.user("brkn-ann", { USD: "500" })
      const { sql } = yield* Database
      // Fails after the hold was opened in the same transaction.
      yield* sql`ALTER TABLE customer_order ADD CONSTRAINT broken CHECK (client_order_id <> 'order 7')`
      const request = (n: number) => place(ann, "buy", "BRKN", "0.1", { clientOrderId: `order ${n}` })
      const outcomes = (yield* concurrently(CALLERS, request)).map(outcomeOf)
      yield* sql`ALTER TABLE customer_order DROP CONSTRAINT broken`
      assert.strictEqual(outcomes[7], "Died")
      assert.deepStrictEqual(tally(outcomes), { Placed: CALLERS - 1, Died: 1 })
      assert.deepInclude(yield* storedOf("BRKN"), { orders: CALLERS - 1, holds: CALLERS - 1 })
      assert.deepStrictEqual(yield* TestWallets.balances(ann), ["USD 437"])
      assert.isFalse((yield* request(7)).replayed)
      assert.deepStrictEqual(yield* TestWallets.balances(ann), ["USD 436"])
      assert.isTrue(yield* isLedgerWhole)
    })
  )

  it.effect("never exceed a limit together, and those that fit are placed", () =>
    Effect.gen(function* () {
      yield* list("LIMI", "10")
      const ben = yield* TestWallets.user("limi-ben", { USD: "5000" })
      const outcomes = (yield* concurrently(20, () => place(ben, "buy", "LIMI", "9"))).map(outcomeOf)
      assert.deepStrictEqual(tally(outcomes), { Placed: 5, MovementDenied: 15 })
      assert.deepInclude(yield* storedOf("LIMI"), { orders: 5, holds: 5 })
      assert.deepStrictEqual(yield* TestWallets.balances(ben), ["USD 4550"])
    })
  )

  it.effect("use a client_order_id once on two nodes, whatever their keys are", () =>
    Effect.gen(function* () {
      yield* list("NODE", "10")
      const cid = yield* TestWallets.user("node-cid", { USD: "400" })
      const second = yield* Layer.build(Layer.fresh(Orders.layer))
      const onTwoNodes = (request: (n: number) => ReturnType<typeof place>) =>
        concurrently(30, (n) => (n % 2 === 0 ? request(n) : Effect.provideContext(request(n), second)))
      const same = yield* onTwoNodes(() => place(cid, "buy", "NODE", "1", { clientOrderId: "same" }))
      assert.deepStrictEqual(tally(same.map(outcomeOf)), { Placed: 1, Replayed: 29 })
      const keys = yield* onTwoNodes((n) =>
        place(cid, "buy", "NODE", "1", { clientOrderId: "other", key: `key ${n}` })
      )
      assert.deepStrictEqual(tally(keys.map(outcomeOf)), { Placed: 1, ClientOrderIdUsed: 29 })
      assert.deepInclude(yield* storedOf("NODE"), { orders: 2, holds: 2 })
      assert.deepStrictEqual(yield* TestWallets.balances(cid), ["USD 380"])
    })
  )

  it.effect("return the stored order to the retry of an order whose commit was not confirmed", () =>
    Effect.gen(function* () {
      yield* list("LOST", "10")
      const dan = yield* TestWallets.user("lost-dan", { USD: "100" })
      const lossyLedger = Layer.effect(
        Ledger,
        Effect.map(Ledger, (ledger) =>
          Ledger.of({
            ...ledger,
            postWith: (postings, dependent) =>
              Effect.andThen(
                ledger.postWith(postings, dependent),
                new StoreUnavailable({ cause: "the confirmation was lost" })
              )
          })
        )
      )
      const lossy = Layer.fresh(Orders.layer).pipe(Layer.provide(lossyLedger))
      const request = (n: number) => place(dan, "buy", "LOST", "1", { key: `lost ${n}` })
      const lost = yield* Effect.provide(concurrently(5, request), lossy)
      assert.deepStrictEqual(tally(lost.map(outcomeOf)), { StoreUnavailable: 5 })
      const retried = yield* concurrently(5, request)
      assert.deepStrictEqual(tally(retried.map(outcomeOf)), { Replayed: 5 })
      assert.deepInclude(yield* storedOf("LOST"), { orders: 5, holds: 5 })
      assert.deepStrictEqual(yield* TestWallets.balances(dan), ["USD 50"])
    })
  )
})
