import { BigDecimal, Option, Result, Schema } from "effect"
import type { HttpServerResponse } from "effect/http"
import * as Decimal from "../../domain/money/Decimal.ts"
import * as ExactJson from "../../domain/money/ExactJson.ts"
import * as SandboxAnswers from "./SandboxAnswers.ts"

/** Decimals of an amount at the exchange, for stocks and cryptocurrencies. */
const AMOUNT_DECIMALS = 9
const MAX_CLIENT_ORDER_ID = 128

const decodeBody = Schema.decodeUnknownOption(
  Schema.Struct({
    symbol: Schema.NonEmptyString,
    qty: Schema.optionalKey(Schema.NullOr(Schema.String)),
    notional: Schema.optionalKey(Schema.NullOr(Schema.String)),
    side: Schema.Literals(["buy", "sell"]),
    type: Schema.String,
    time_in_force: Schema.String,
    client_order_id: Schema.NonEmptyString
  })
)

/** A valid order for an amount. */
export interface Submission {
  readonly symbol: string
  readonly side: "buy" | "sell"
  readonly amount: BigDecimal.BigDecimal
  readonly clientOrderId: string
}

/** Returns true for a pair such as `BTC/USD`. Everything else is a stock. */
export const isCrypto = (symbol: string): boolean => symbol.includes("/")

/** Returns the least value of a purchase in US dollars, as at Alpaca. */
export const minimumCostOf = (symbol: string): BigDecimal.BigDecimal =>
  BigDecimal.make(isCrypto(symbol) ? 10n : 1n, 0)

const invalid = (message: string) => Result.fail(SandboxAnswers.fail(422, 42210000, message))

/** Reads the body of `POST /v2/orders`, or returns the answer that refuses it. The sandbox takes market orders only. */
export const read = (body: string): Result.Result<Submission, HttpServerResponse.HttpServerResponse> =>
  Result.gen(function* () {
    const order = Option.getOrUndefined(Option.flatMap(Result.getSuccess(ExactJson.parse(body)), decodeBody))
    if (order === undefined)
      return yield* Result.fail(SandboxAnswers.fail(400, 40010000, "request body format is invalid"))
    const { client_order_id, notional, qty, side, symbol, time_in_force, type } = order
    if (client_order_id.length > MAX_CLIENT_ORDER_ID)
      return yield* invalid("client_order_id must be no more than 128 characters")
    if (notional != null || qty == null)
      return yield* invalid(
        qty == null ? "qty or notional is required" : "only one of qty or notional is accepted"
      )
    if (type !== "market") return yield* invalid("invalid order type")
    const amount = Option.getOrUndefined(Decimal.parse(qty))
    if (amount === undefined || !BigDecimal.isPositive(amount)) return yield* invalid("qty must be > 0")
    if (BigDecimal.normalize(amount).scale > AMOUNT_DECIMALS)
      return yield* invalid(`qty must have at most ${AMOUNT_DECIMALS} decimal places`)
    if (isCrypto(symbol) && time_in_force !== "gtc" && time_in_force !== "ioc")
      return yield* invalid("invalid crypto time_in_force")
    if (!isCrypto(symbol) && time_in_force !== "day")
      return yield* invalid("fractional orders must be DAY orders")
    return { symbol, side, amount, clientOrderId: client_order_id }
  })
