import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Option } from "effect"
import { TestClock } from "effect/testing"
import * as Decimal from "../../../src/domain/money/Decimal.ts"
import type { ExchangeTerms } from "../../../src/exchanges/ExchangeClient.ts"
import { json, type Respond } from "../../support/ScriptedServer.ts"
import * as Answers from "./AlpacaAnswers.ts"
import { code, failure, start } from "./AlpacaServer.ts"

const amounts = ({ increment, minimumAmount, minimumCost }: ExchangeTerms) =>
  [increment, minimumAmount, minimumCost].map(Decimal.format)

const MONDAY = Date.parse("2026-11-30T15:02:00Z")
const closedClock = {
  timestamp: "2026-11-30T17:00:00-05:00",
  is_open: false,
  next_open: "2026-12-01T09:30:00-05:00",
  next_close: "2026-12-01T16:00:00-05:00"
}

describe("Alpaca terms", () => {
  it.effect("states the limits of a cryptocurrency, which is always traded", () =>
    Effect.gen(function* () {
      const { client, requests } = yield* start(json(200, Answers.bitcoin))
      const terms = yield* client.terms(code("BTC"))
      assert.deepStrictEqual(amounts(terms), ["0.000000001", "0.000013889", "10.3"])
      assert.isTrue(terms.tradable)
      assert.isTrue(terms.isOpen)
      assert.deepStrictEqual(
        requests.map(({ path }) => path),
        ["/v2/assets/BTC%2FUSD"]
      )
    })
  )

  it.effect("states the limits of stocks, with fractions where the exchange has them", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(MONDAY)
      const clock = json(200, Answers.openClock)
      const fractional = yield* start(json(200, Answers.apple), clock)
      const terms = yield* fractional.client.terms(code("AAPL"))
      assert.deepStrictEqual(amounts(terms), ["0.000000001", "0.000000001", "1.03"])
      assert.isTrue(terms.isOpen)
      assert.isTrue(Option.isNone(terms.opensAt))
      const whole = yield* start(json(200, { ...Answers.apple, fractionable: false }), clock)
      assert.deepStrictEqual(amounts(yield* whole.client.terms(code("BRK.B"))), ["1", "1", "1.03"])
    })
  )

  it.effect("is not tradable if the exchange suspended the asset or lists it no more", () =>
    Effect.gen(function* () {
      for (const fields of [{ tradable: false }, { status: "inactive" }]) {
        const { client } = yield* start(json(200, { ...Answers.bitcoin, ...fields }))
        assert.isFalse((yield* client.terms(code("BTC"))).tradable)
      }
    })
  )

  it.effect("refuses an asset that the exchange does not know", () =>
    Effect.gen(function* () {
      const { client } = yield* start(failure(404, 40410000, "asset not found for AAPL"))
      const error = yield* Effect.flip(client.terms(code("AAPL")))
      assert.strictEqual(error._tag, "ExchangeRefused")
      assert.strictEqual(error.kind, "unknown-asset")
    })
  )

  it.effect("says when the market of stocks opens while it is closed", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.parse("2026-11-30T22:00:00Z"))
      const { client } = yield* start(json(200, Answers.apple), json(200, closedClock))
      const terms = yield* client.terms(code("AAPL"))
      assert.isFalse(terms.isOpen)
      assert.strictEqual(DateTime.formatIso(Option.getOrThrow(terms.opensAt)), "2026-12-01T14:30:00.000Z")
    })
  )

  it.effect("ends a session on time, although the clock was read before", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.parse("2026-11-30T20:59:50Z"))
      const { client, requests } = yield* start(json(200, Answers.apple), json(200, Answers.openClock))
      assert.isTrue((yield* client.terms(code("AAPL"))).isOpen)
      yield* TestClock.adjust("10 seconds")
      const terms = yield* client.terms(code("AAPL"))
      assert.isFalse(terms.isOpen)
      assert.isTrue(Option.isSome(terms.opensAt))
      assert.strictEqual(requests.length, 2)
    })
  )

  it.effect("begins a session on time, although the clock was read before", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.parse("2026-12-01T14:29:50Z"))
      const { client } = yield* start(json(200, Answers.apple), json(200, closedClock))
      assert.isFalse((yield* client.terms(code("AAPL"))).isOpen)
      yield* TestClock.adjust("10 seconds")
      assert.isTrue((yield* client.terms(code("AAPL"))).isOpen)
    })
  )

  it.effect("requests asset and clock again after a while, and at once after a failure", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(MONDAY)
      const answers: ReadonlyArray<Respond> = [
        failure(500, 50010000, "internal server error occurred"),
        json(200, Answers.apple),
        json(200, Answers.openClock),
        json(200, { ...Answers.apple, tradable: false }),
        json(200, Answers.openClock)
      ]
      const { client, requests } = yield* start(...answers)
      assert.strictEqual((yield* Effect.flip(client.terms(code("AAPL"))))._tag, "ExchangeUnknown")
      assert.isTrue((yield* client.terms(code("AAPL"))).tradable)
      assert.isTrue((yield* client.terms(code("AAPL"))).tradable)
      assert.strictEqual(requests.length, 3)
      yield* TestClock.adjust("61 seconds")
      assert.isFalse((yield* client.terms(code("AAPL"))).tradable)
    })
  )

  it.effect("has unknown terms if fields are missing", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(MONDAY)
      const { min_order_size: _, ...incomplete } = Answers.bitcoin
      for (const answers of [
        [json(200, incomplete)],
        [json(200, { ...Answers.bitcoin, min_trade_increment: "0" })],
        [json(200, Answers.apple), json(200, { ...Answers.openClock, next_close: "soon" })]
      ]) {
        const { client } = yield* start(...answers)
        const error = yield* Effect.flip(client.terms(code(answers.length === 1 ? "BTC" : "AAPL")))
        assert.strictEqual(error._tag, "ExchangeUnknown")
      }
    })
  )

  it.effect("reads the account, and why it cannot trade", () =>
    Effect.gen(function* () {
      const read = Effect.fnUntraced(function* (fields: object) {
        const { client } = yield* start(json(200, { ...Answers.account, ...fields }))
        const { blocked, buyingPower } = yield* client.account
        return [Decimal.format(buyingPower), Option.getOrNull(blocked)]
      })
      assert.deepStrictEqual(yield* read({}), ["245432.61", null])
      assert.deepStrictEqual(yield* read({ buying_power: "-12.5" }), ["0", null])
      assert.deepStrictEqual(yield* read({ trading_blocked: true, status: "ACCOUNT_UPDATED" }), [
        "245432.61",
        "the status of the account is ACCOUNT_UPDATED; trading is blocked"
      ])
      const { client } = yield* start(json(401, { message: "unauthorized." }))
      assert.strictEqual((yield* Effect.flip(client.account)).kind, "unauthorized")
    })
  )
})
