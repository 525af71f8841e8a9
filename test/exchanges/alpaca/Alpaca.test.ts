import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import * as Decimal from "../../../src/domain/money/Decimal.ts"
import { json } from "../../support/ScriptedServer.ts"
import { KEY_ID, SECRET_KEY } from "../../support/TestExchange.ts"
import * as Answers from "./AlpacaAnswers.ts"
import { failure, newOrder, page, start } from "./AlpacaServer.ts"

const { CLIENT_ORDER_ID } = Answers
const usedId = failure(422, 40010001, "client_order_id must be unique")

describe("Alpaca orders", () => {
  it.effect("submits a stock order of the day, with the credentials in headers and every digit", () =>
    Effect.gen(function* () {
      const { client, requests } = yield* start(json(200, Answers.order({ qty: "0.123456789" })))
      const order = yield* client.submit(newOrder("AAPL", "0.123456789"))
      assert.strictEqual(order.state, "open")
      assert.strictEqual(order.id, "61e69015-8549-4bfd-b9c3-01e75843f47d")
      const [request] = requests
      assert.strictEqual(request?.method, "POST")
      assert.strictEqual(request?.path, "/v2/orders")
      assert.strictEqual(request?.headers["apca-api-key-id"], KEY_ID)
      assert.strictEqual(request?.headers["apca-api-secret-key"], SECRET_KEY)
      assert.isUndefined(request?.headers["traceparent"])
      assert.deepStrictEqual(JSON.parse(request?.body ?? ""), {
        symbol: "AAPL",
        qty: "0.123456789",
        side: "buy",
        type: "market",
        time_in_force: "day",
        client_order_id: CLIENT_ORDER_ID
      })
    })
  )

  it.effect("submits a crypto order until cancelled, under the symbol of the catalogue", () =>
    Effect.gen(function* () {
      const answer = Answers.order({ symbol: "BTC/USD", side: "sell", qty: "0.0001", time_in_force: "gtc" })
      const { client, requests } = yield* start(json(200, answer))
      yield* client.submit(newOrder("BTC", "0.000100000", "sell"))
      assert.deepStrictEqual(JSON.parse(requests[0]?.body ?? ""), {
        symbol: "BTC/USD",
        qty: "0.0001",
        side: "sell",
        type: "market",
        time_in_force: "gtc",
        client_order_id: CLIENT_ORDER_ID
      })
    })
  )

  it.effect("refuses an asset that is a currency or not in the catalogue, without a request", () =>
    Effect.gen(function* () {
      const { client, requests } = yield* start(json(200, Answers.order()))
      for (const asset of ["EUR", "ZZZZ"]) {
        const error = yield* Effect.flip(client.submit(newOrder(asset, "1")))
        assert.strictEqual(error._tag, "ExchangeRefused")
        assert.strictEqual(error.kind, "unknown-asset")
      }
      assert.strictEqual(requests.length, 0)
    })
  )

  it.effect("computes the cost of a fill exactly, where a float would not", () =>
    Effect.gen(function* () {
      const { client, requests } = yield* start(
        json(
          200,
          Answers.order({
            symbol: "BTC/USD",
            status: "filled",
            qty: "0.123456789",
            filled_qty: "0.123456789",
            filled_avg_price: "67187.335893651"
          })
        )
      )
      const order = Option.getOrThrow(yield* client.find(CLIENT_ORDER_ID))
      assert.strictEqual(order.state, "filled")
      assert.strictEqual(Decimal.format(order.filled), "0.123456789")
      // 67187.335893651 × 0.123456789, where doubles have 8294.732750894598
      assert.strictEqual(Decimal.format(order.cost), "8294.732750894597946639")
      assert.strictEqual(Decimal.format(order.fee), "0")
      assert.strictEqual(
        requests[0]?.path,
        `/v2/orders:by_client_order_id?client_order_id=${CLIENT_ORDER_ID}`
      )
    })
  )

  it.effect("finds the order when the client order id was used, instead of placing a second one", () =>
    Effect.gen(function* () {
      const { client, requests } = yield* start(usedId, json(200, Answers.order()))
      const order = yield* client.submit(newOrder("AAPL", "15"))
      assert.strictEqual(order.clientOrderId, CLIENT_ORDER_ID)
      assert.deepStrictEqual(
        requests.map(({ method }) => method),
        ["POST", "GET"]
      )
    })
  )

  it.effect("takes the earlier spelling of a symbol for the same", () =>
    Effect.gen(function* () {
      const { client } = yield* start(usedId, json(200, Answers.order({ symbol: "BTCUSD", qty: "15.00" })))
      assert.strictEqual((yield* client.submit(newOrder("BTC", "15"))).state, "open")
    })
  )

  it.effect("reports a contradiction when the used client order id belongs to another order", () =>
    Effect.gen(function* () {
      for (const other of [{ symbol: "MSFT" }, { side: "sell" }, { qty: "16" }]) {
        const { client } = yield* start(usedId, json(200, Answers.order(other)))
        const error = yield* Effect.flip(client.submit(newOrder("AAPL", "15")))
        assert.strictEqual(error._tag, "ExchangeUnknown")
        assert.strictEqual(error.kind, "contradictory")
      }
      const { client } = yield* start(usedId, failure(404, 40410000, "order not found"))
      assert.strictEqual((yield* Effect.flip(client.submit(newOrder("AAPL", "15"))))._tag, "ExchangeUnknown")
    })
  )

  it.effect.each([
    ["new", "open"],
    ["accepted", "open"],
    ["pending_new", "open"],
    ["accepted_for_bidding", "open"],
    ["held", "open"],
    ["pending_review", "open"],
    ["partially_filled", "open"],
    ["done_for_day", "open"],
    ["calculated", "open"],
    ["stopped", "open"],
    ["suspended", "open"],
    ["pending_cancel", "open"],
    ["pending_replace", "open"],
    ["canceled", "cancelled"],
    ["expired", "cancelled"],
    ["rejected", "rejected"]
  ] as const)("maps the status %s to %s, with what was filled", ([status, state]) =>
    Effect.gen(function* () {
      const answer = Answers.order({ status, filled_qty: "4.5", filled_avg_price: "250.01" })
      const { client } = yield* start(json(200, answer))
      const order = Option.getOrThrow(yield* client.find(CLIENT_ORDER_ID))
      assert.strictEqual(order.state, state)
      assert.strictEqual(Decimal.format(order.filled), "4.5")
      assert.strictEqual(Decimal.format(order.cost), "1125.045")
    })
  )

  it.effect.each([
    ["an unknown status", { status: "teleported" }, "malformed"],
    ["an order that was replaced by another", { status: "replaced" }, "malformed"],
    ["a missing filled amount", { filled_qty: null }, "malformed"],
    ["an order for a value", { qty: null, notional: "10" }, "malformed"],
    ["an amount that is not a decimal", { filled_qty: "NaN" }, "malformed"],
    ["an amount without end", { filled_qty: "1e999999999" }, "malformed"],
    ["a negative amount", { filled_qty: "-1" }, "malformed"],
    ["more filled than ordered", { filled_qty: "15.000000001", filled_avg_price: "1" }, "contradictory"],
    [
      "a whole fill of a part",
      { status: "filled", filled_qty: "14", filled_avg_price: "1" },
      "contradictory"
    ],
    ["a fill without a price", { status: "filled", filled_qty: "15" }, "contradictory"],
    ["a fill for nothing", { status: "filled", filled_qty: "15", filled_avg_price: "0" }, "contradictory"],
    ["another order", { client_order_id: "another" }, "contradictory"]
  ] as const)("never believes %s", ([, fields, kind]) =>
    Effect.gen(function* () {
      const { client } = yield* start(json(200, Answers.order(fields)))
      const error = yield* Effect.flip(client.find(CLIENT_ORDER_ID))
      assert.strictEqual(error._tag, "ExchangeUnknown")
      assert.strictEqual(error.kind, kind)
    })
  )

  it.effect("finds none only if Alpaca itself says that there is no such order", () =>
    Effect.gen(function* () {
      const { client } = yield* start(failure(404, 40410000, `order not found for ${CLIENT_ORDER_ID}`))
      assert.isTrue(Option.isNone(yield* client.find(CLIENT_ORDER_ID)))
    })
  )

  it.effect("cancels an order by the id of Alpaca", () =>
    Effect.gen(function* () {
      const { client, requests } = yield* start(json(200, Answers.order()), page(204, ""))
      yield* client.cancel(CLIENT_ORDER_ID)
      assert.strictEqual(requests[1]?.method, "DELETE")
      assert.strictEqual(requests[1]?.path, "/v2/orders/61e69015-8549-4bfd-b9c3-01e75843f47d")
    })
  )

  it.effect("refuses to cancel an order that has ended or does not exist", () =>
    Effect.gen(function* () {
      const ended = yield* start(
        json(200, Answers.order()),
        failure(422, 42210000, 'order is already in "filled" state')
      )
      const error = yield* Effect.flip(ended.client.cancel(CLIENT_ORDER_ID))
      assert.strictEqual(error._tag, "ExchangeRefused")
      assert.strictEqual(error.kind, "not-cancelable")
      const unknown = yield* start(failure(404, 40410000, "order not found"))
      const notFound = yield* Effect.flip(unknown.client.cancel(CLIENT_ORDER_ID))
      assert.strictEqual(notFound.kind, "not-found")
    })
  )
})
