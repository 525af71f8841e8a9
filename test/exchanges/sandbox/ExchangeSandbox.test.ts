import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, Effect, Fiber, Option } from "effect"
import { TestClock } from "effect/testing"
import * as Decimal from "../../../src/domain/money/Decimal.ts"
import type { ExchangeOrder } from "../../../src/exchanges/ExchangeClient.ts"
import type { ExchangeFault } from "../../../src/exchanges/sandbox/ExchangeFaults.ts"
import * as SandboxOrders from "../../../src/exchanges/sandbox/SandboxOrders.ts"
import * as TestExchange from "../../support/TestExchange.ts"
import { code, newOrder } from "../alpaca/AlpacaServer.ts"
import { CLIENT_ORDER_ID } from "../alpaca/AlpacaAnswers.ts"

/** A Monday during the session of the stock market. */
const NOW = Date.parse("2026-11-30T15:00:00Z")

const start = Effect.fnUntraced(function* (
  fault?: Omit<ExchangeFault, "provider">,
  orders?: SandboxOrders.SandboxOrders
) {
  yield* TestClock.setTime(NOW)
  const exchange = yield* TestExchange.sandbox(orders)
  if (fault !== undefined) yield* exchange.inject({ provider: "alpaca", ...fault })
  const find = Effect.map(exchange.client.find(CLIENT_ORDER_ID), Option.getOrUndefined)
  return { ...exchange, find }
})

const summary = (order: ExchangeOrder | undefined) =>
  order === undefined ? "none" : `${order.state} ${Decimal.format(order.filled)}`

/** The price of every fill. */
const priceOf = ({ cost, filled }: ExchangeOrder) => Decimal.format(Decimal.quotient(cost, filled))

describe("ExchangeSandbox", () => {
  it.effect("fills market orders at once, at the price of the price provider", () =>
    Effect.gen(function* () {
      const { baseUrl, client } = yield* start()
      const bought = yield* client.submit(newOrder("BTC", "0.5"))
      assert.strictEqual(summary(bought), "filled 0.5")
      const prices = yield* fetchJson(
        `${baseUrl}/coingecko/api/v3/simple/price?ids=bitcoin&vs_currencies=usd&precision=full`,
        { "x-cg-demo-api-key": "key" }
      )
      assert.include(prices, `"usd":${priceOf(bought)}`)
      const sold = yield* client.submit(newOrder("AAPL", "1.25", "sell", "other"))
      assert.strictEqual(summary(sold), "filled 1.25")
      const snapshot = yield* fetchJson(
        `${baseUrl}/massive/v2/snapshot/locale/us/markets/stocks/tickers?tickers=AAPL`,
        { authorization: "Bearer key" }
      )
      assert.include(snapshot, `"p":${priceOf(sold)}`)
    })
  )

  it.effect("places one order, however often it is submitted", () =>
    Effect.gen(function* () {
      const { client, find } = yield* start()
      const first = yield* client.submit(newOrder("BTC", "0.5"))
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(yield* client.submit(newOrder("BTC", "0.5")), first)
      assert.deepStrictEqual(yield* find, first)
      const other = yield* Effect.flip(client.submit(newOrder("BTC", "0.6")))
      assert.strictEqual(other._tag, "ExchangeUnknown")
    })
  )

  it.effect("keeps its orders when it restarts", () =>
    Effect.gen(function* () {
      const orders = SandboxOrders.makeMemory()
      const first = yield* Effect.scoped(
        Effect.flatMap(start(undefined, orders), ({ client }) => client.submit(newOrder("BTC", "0.5")))
      )
      const { find } = yield* start(undefined, orders)
      assert.deepStrictEqual(yield* find, first)
    })
  )

  it.effect.each([
    ["accept-500", "failing"],
    ["accept-reset", "unreachable"],
    ["500", "failing"],
    ["down", "failing"],
    ["429", "rate-limited"],
    ["html", "malformed"],
    ["unauthorized", "unauthorized"]
  ] as const)("has an unknown outcome with the fault %s", ([fault, kind]) =>
    Effect.gen(function* () {
      const { clear, client, find } = yield* start({ fault })
      const error = yield* Effect.flip(client.submit(newOrder("BTC", "0.5")))
      assert.strictEqual(error._tag, "ExchangeUnknown")
      assert.strictEqual(error.kind, kind)
      yield* clear
      const isAccepted = fault.startsWith("accept")
      assert.strictEqual(summary(yield* find), isAccepted ? "filled 0.5" : "none")
      // Submitting the same order again is safe in both cases.
      assert.strictEqual(summary(yield* client.submit(newOrder("BTC", "0.5"))), "filled 0.5")
    })
  )

  it.effect.each(["accept-hang", "accept-late", "hang"] as const)(
    "has an unknown outcome after the timeout with the fault %s",
    (fault) =>
      Effect.gen(function* () {
        const { clear, client, find, requests } = yield* start({ fault })
        const fiber = yield* Effect.forkChild(Effect.flip(client.submit(newOrder("BTC", "0.5"))), {
          startImmediately: true
        })
        while ((yield* requests) === 0) yield* realPause
        yield* realPause
        yield* TestClock.adjust("10 seconds")
        const error = yield* Fiber.join(fiber)
        assert.strictEqual(error._tag, "ExchangeUnknown")
        assert.strictEqual(error.kind, "timeout")
        yield* clear
        assert.strictEqual(summary(yield* find), fault === "hang" ? "none" : "filled 0.5")
      })
  )

  it.effect("does not find a hidden order for three seconds, and then finds it filled", () =>
    Effect.gen(function* () {
      const { client, find } = yield* start({ fault: "hidden" })
      assert.strictEqual((yield* Effect.flip(client.submit(newOrder("BTC", "0.5"))))._tag, "ExchangeUnknown")
      assert.strictEqual(summary(yield* find), "none")
      // The same id is no second order even while the first one is hidden.
      const again = yield* Effect.flip(client.submit(newOrder("BTC", "0.5")))
      assert.strictEqual(again._tag, "ExchangeUnknown")
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual(summary(yield* find), "filled 0.5")
    })
  )

  it.effect("fills an order in several steps", () =>
    Effect.gen(function* () {
      const { client, find } = yield* start({ fault: "partial-fills" })
      assert.strictEqual(summary(yield* client.submit(newOrder("AAPL", "0.700000001"))), "open 0.175")
      yield* TestClock.adjust("1 second")
      assert.strictEqual(summary(yield* find), "open 0.42")
      yield* TestClock.adjust("1 second")
      assert.strictEqual(summary(yield* find), "filled 0.700000001")
    })
  )

  it.effect("cancels the rest of a partly filled order", () =>
    Effect.gen(function* () {
      const { client, find } = yield* start({ fault: "partial-cancel" })
      assert.strictEqual(summary(yield* client.submit(newOrder("BTC", "0.5"))), "open 0.2")
      yield* TestClock.adjust("1 second")
      assert.strictEqual(summary(yield* find), "cancelled 0.2")
      yield* TestClock.adjust("1 day")
      assert.strictEqual(summary(yield* find), "cancelled 0.2")
    })
  )

  it.effect("does not believe a fill that is reported twice", () =>
    Effect.gen(function* () {
      const { client, find } = yield* start({ fault: "repeated-fill" })
      const error = yield* Effect.flip(client.submit(newOrder("BTC", "0.5")))
      assert.strictEqual(error._tag, "ExchangeUnknown")
      assert.strictEqual(error.kind, "contradictory")
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(summary(yield* find), "filled 0.5")
    })
  )

  it.effect("refuses orders, or rejects them later", () =>
    Effect.gen(function* () {
      const { client, find, inject } = yield* start({ fault: "refuse" })
      const refused = yield* Effect.flip(client.submit(newOrder("BTC", "0.5")))
      assert.strictEqual(refused._tag, "ExchangeRefused")
      assert.strictEqual(refused.kind, "insufficient-funds")
      assert.strictEqual(summary(yield* find), "none")
      yield* inject({ provider: "alpaca", fault: "reject" })
      assert.strictEqual(summary(yield* client.submit(newOrder("BTC", "0.5"))), "open 0")
      yield* TestClock.adjust("1 second")
      const rejected = yield* find
      assert.strictEqual(summary(rejected), "rejected 0")
      assert.isString(rejected?.reason)
    })
  )

  it.effect("moves the price of fills by a percentage", () =>
    Effect.gen(function* () {
      const { client, inject } = yield* start()
      const costOf = (id: string) =>
        Effect.map(client.submit(newOrder("BTC", "1", "buy", id)), ({ cost }) => cost)
      const usual = yield* costOf("1")
      for (const [percent, factor] of [
        [10, "1.1"],
        [-5, "0.95"]
      ] as const) {
        yield* inject({ provider: "alpaca", fault: "price-move", percent })
        const moved = yield* costOf(`moved ${percent}`)
        assert.strictEqual(
          Decimal.format(moved),
          Decimal.format(BigDecimal.multiply(usual, BigDecimal.fromStringUnsafe(factor)))
        )
      }
    })
  )

  it.effect("cancels an order that is not filled, once", () =>
    Effect.gen(function* () {
      const { client, find } = yield* start({ fault: "no-fill" })
      assert.strictEqual(summary(yield* client.submit(newOrder("BTC", "0.5"))), "open 0")
      yield* client.cancel(CLIENT_ORDER_ID)
      assert.strictEqual(summary(yield* find), "cancelled 0")
      const again = yield* Effect.flip(client.cancel(CLIENT_ORDER_ID))
      assert.strictEqual(again.kind, "not-cancelable")
    })
  )

  it.effect("limits a fault by time, by number, by request and by symbol", () =>
    Effect.gen(function* () {
      const { client, find, inject } = yield* start({ fault: "down", seconds: 3600 })
      assert.strictEqual((yield* Effect.flip(find)).kind, "failing")
      yield* TestClock.adjust("59 minutes")
      assert.strictEqual((yield* Effect.flip(find)).kind, "failing")
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(summary(yield* find), "none")

      yield* inject({ provider: "alpaca", fault: "500", times: 1 })
      assert.strictEqual((yield* Effect.flip(find)).kind, "failing")
      assert.strictEqual(summary(yield* find), "none")

      yield* inject({ provider: "alpaca", fault: "500", operations: ["submit"] })
      assert.strictEqual(summary(yield* find), "none")
      assert.strictEqual((yield* Effect.flip(client.submit(newOrder("BTC", "1")))).kind, "failing")

      yield* inject({ provider: "alpaca", fault: "refuse", symbols: ["AAPL"] })
      assert.strictEqual(summary(yield* client.submit(newOrder("BTC", "1"))), "filled 1")
      const refused = yield* Effect.flip(client.submit(newOrder("AAPL", "1", "buy", "other")))
      assert.strictEqual(refused.kind, "insufficient-funds")
    })
  )

  it.effect("keeps orders of stocks open until the next session while the market is closed", () =>
    Effect.gen(function* () {
      const { client, find } = yield* start({ fault: "market-closed" })
      assert.isFalse((yield* client.terms(code("AAPL"))).isOpen)
      assert.isTrue((yield* client.terms(code("BTC"))).isOpen)
      assert.strictEqual(summary(yield* client.submit(newOrder("AAPL", "2"))), "open 0")
      yield* TestClock.setTime(Date.parse("2026-12-01T14:29:59Z"))
      assert.strictEqual(summary(yield* find), "open 0")
      yield* TestClock.setTime(Date.parse("2026-12-01T14:30:00Z"))
      assert.strictEqual(summary(yield* find), "filled 2")
      assert.strictEqual(summary(yield* client.submit(newOrder("BTC", "2", "buy", "crypto"))), "filled 2")
    })
  )

  it.effect("trades stocks at any time unless a fault closes the market", () =>
    Effect.gen(function* () {
      const { client } = yield* start()
      yield* TestClock.setTime(Date.parse("2026-11-28T12:00:00Z"))
      assert.isTrue((yield* client.terms(code("AAPL"))).isOpen)
      assert.strictEqual(summary(yield* client.submit(newOrder("AAPL", "2"))), "filled 2")
    })
  )

  it.effect("refuses invalid orders as Alpaca does", () =>
    Effect.gen(function* () {
      const { client } = yield* start()
      for (const [asset, amount, kind] of [
        ["BTC", "0", "amount-invalid"],
        ["BTC", "0.0000000001", "amount-invalid"],
        ["BTC", "0.00001", "amount-invalid"],
        ["AAPL", "0.001", "amount-invalid"]
      ] as const) {
        const error = yield* Effect.flip(client.submit(newOrder(asset, amount)))
        assert.strictEqual(error._tag, "ExchangeRefused", amount)
        assert.strictEqual(error.kind, kind)
      }
    })
  )

  it.effect("takes injections over HTTP like the other sandboxes, and rejects invalid ones", () =>
    Effect.gen(function* () {
      const { baseUrl, find } = yield* start()
      const put = (injection: object) =>
        Effect.promise(async () => {
          const response = await fetch(`${baseUrl}/faults`, {
            method: "PUT",
            body: JSON.stringify(injection)
          })
          return response.status
        })
      assert.strictEqual(yield* put({ provider: "alpaca", fault: "down" }), 204)
      assert.strictEqual((yield* Effect.flip(find)).kind, "failing")
      assert.strictEqual(yield* put({ provider: "alpaca", fault: "flood" }), 400)
      assert.strictEqual(yield* put({ provider: "fixer", fault: "500" }), 204)
      yield* Effect.promise(() => fetch(`${baseUrl}/faults`, { method: "DELETE" }))
      assert.strictEqual(summary(yield* find), "none")
    })
  )
})

const fetchJson = (url: string, headers: Readonly<Record<string, string>>) =>
  Effect.promise(async () => (await fetch(url, { headers })).text())

/** Gives sockets real time. */
const realPause = Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 10)))
