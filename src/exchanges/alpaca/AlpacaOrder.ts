import { BigDecimal, Option, Result, Schema } from "effect"
import * as Decimal from "../../domain/money/Decimal.ts"
import type { ExchangeOrder, ExchangeOrderState } from "../ExchangeClient.ts"

const ZERO = BigDecimal.make(0n, 0)

/**
 * States of Alpaca's orders. A state that is not listed is never taken for a final one. `done_for_day` and `calculated` are
 * followed by a final state, and `replaced` by another order, which effex never requests.
 */
const STATES: ReadonlyMap<string, ExchangeOrderState> = new Map([
  ["new", "open"],
  ["accepted", "open"],
  ["pending_new", "open"],
  ["accepted_for_bidding", "open"],
  ["pending_review", "open"],
  ["held", "open"],
  ["partially_filled", "open"],
  ["done_for_day", "open"],
  ["calculated", "open"],
  ["stopped", "open"],
  ["suspended", "open"],
  ["pending_cancel", "open"],
  ["pending_replace", "open"],
  ["filled", "filled"],
  ["canceled", "cancelled"],
  ["expired", "cancelled"],
  ["rejected", "rejected"]
])

/** Fields of an order that effex reads. */
const AlpacaOrder = Schema.Struct({
  id: Schema.NonEmptyString,
  client_order_id: Schema.NonEmptyString,
  symbol: Schema.String,
  side: Schema.Literals(["buy", "sell"]),
  qty: Schema.String,
  filled_qty: Schema.String,
  filled_avg_price: Schema.optionalKey(Schema.NullOr(Schema.String)),
  status: Schema.String
})

const decode = Schema.decodeUnknownOption(AlpacaOrder)

/** An order with what was ordered, to compare it with a request. */
export interface ReadOrder extends ExchangeOrder {
  readonly symbol: string
  readonly side: "buy" | "sell"
}

/** Defect of a response: `malformed` or `contradictory`, with a detail. */
export interface OrderDefect {
  readonly kind: "malformed" | "contradictory"
  readonly detail: string
}

const malformed = (detail: string) => Result.fail<OrderDefect>({ kind: "malformed", detail })
const contradictory = (detail: string) => Result.fail<OrderDefect>({ kind: "contradictory", detail })

const amountOf = (name: string, text: string) =>
  Option.match(Decimal.parseJsonNumber(text), {
    onNone: () => malformed(`${name} is not a decimal`),
    onSome: (amount) => Result.succeed(amount)
  })

/**
 * Reads an order. `cost` is the filled amount times the average price, with all of its digits. Contradictions are failures,
 * because a wrong amount would be paid out: more filled than ordered, `filled` with a part only, or a fill without a price.
 */
export const read = (json: unknown): Result.Result<ReadOrder, OrderDefect> =>
  Result.gen(function* () {
    const order = Option.getOrUndefined(decode(json))
    if (order === undefined) return yield* malformed("the order lacks fields or has others")
    const state = STATES.get(order.status)
    if (state === undefined) return yield* malformed(`the order has the unknown status ${order.status}`)
    const amount = yield* amountOf("qty", order.qty)
    const filled = yield* amountOf("filled_qty", order.filled_qty)
    if (BigDecimal.isGreaterThan(filled, amount))
      return yield* contradictory(`filled_qty ${order.filled_qty} exceeds qty ${order.qty}`)
    if (state === "filled" && !BigDecimal.equals(filled, amount))
      return yield* contradictory(`status is filled, but filled_qty is ${order.filled_qty} of ${order.qty}`)
    const price = yield* amountOf("filled_avg_price", order.filled_avg_price ?? "0")
    if (BigDecimal.isPositive(filled) && !BigDecimal.isPositive(price))
      return yield* contradictory(`filled_qty is ${order.filled_qty}, without a price`)
    return {
      id: order.id,
      clientOrderId: order.client_order_id,
      symbol: order.symbol,
      side: order.side,
      state,
      amount: BigDecimal.normalize(amount),
      filled: BigDecimal.normalize(filled),
      cost: BigDecimal.normalize(BigDecimal.multiply(filled, price)),
      // Orders have no fees: Alpaca books them at the end of the day, as account activities that name no order.
      fee: ZERO,
      ...(state === "rejected" ? { reason: `${order.status} by the exchange` } : {})
    }
  })

/** Returns true for two spellings of a symbol: `BTC/USD` was `BTCUSD` before. */
export const isSameSymbol = (a: string, b: string): boolean => a.replace("/", "") === b.replace("/", "")
