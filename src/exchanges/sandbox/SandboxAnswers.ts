import { Option } from "effect"
import { HttpServerResponse } from "effect/http"
import * as UsMarketCalendar from "../../domain/markets/UsMarketCalendar.ts"
import * as Decimal from "../../domain/money/Decimal.ts"
import * as SandboxOrder from "./SandboxOrder.ts"

// Answers in the format of Alpaca's API.

export const respond = (body: object) => HttpServerResponse.jsonUnsafe(body)

/** An error, with Alpaca's code. */
export const fail = (status: number, code: number, message: string) =>
  HttpServerResponse.jsonUnsafe({ code, message }, { status })

export const usedId = fail(422, 40010001, "client_order_id must be unique")

const textOf = (millis: number) => new Date(millis).toISOString()

/** Describes an order at a moment. */
export const orderAt = (order: SandboxOrder.SandboxOrder, now: number) => {
  const { filled, status } = SandboxOrder.stateAt(order, now)
  const isFilled = filled.value !== 0n
  const isCrypto = order.symbol.includes("/")
  return {
    id: order.id,
    client_order_id: order.clientOrderId,
    created_at: textOf(order.acceptedAt),
    submitted_at: textOf(order.acceptedAt),
    updated_at: textOf(now),
    filled_at: status === "filled" ? textOf(order.fills.at(-1)?.at ?? now) : null,
    expired_at: null,
    canceled_at: status === "canceled" && order.end !== undefined ? textOf(order.end.at) : null,
    failed_at: status === "rejected" && order.end !== undefined ? textOf(order.end.at) : null,
    replaced_at: null,
    replaced_by: null,
    replaces: null,
    symbol: order.symbol,
    asset_class: isCrypto ? "crypto" : "us_equity",
    notional: null,
    qty: Decimal.format(order.amount),
    filled_qty: Decimal.format(filled),
    filled_avg_price: isFilled ? Decimal.format(order.price) : null,
    order_class: "",
    order_type: "market",
    type: "market",
    side: order.side,
    time_in_force: isCrypto ? "gtc" : "day",
    limit_price: null,
    stop_price: null,
    status,
    extended_hours: false,
    legs: null
  }
}

/** Describes the market of stocks. `closesAt` is the end of the session; none while it is closed. */
export const clockAt = (now: number, closesAt: Option.Option<number>) => {
  const opensAt = UsMarketCalendar.nextOpen(now)
  return {
    timestamp: textOf(now),
    is_open: Option.isSome(closesAt),
    next_open: textOf(opensAt),
    next_close: textOf(
      Option.getOrElse(closesAt, () => UsMarketCalendar.sessionOf(opensAt)?.close ?? opensAt)
    )
  }
}

/** Describes an asset, which the sandbox trades in fractions. */
export const assetOf = (symbol: string) => {
  const isCrypto = symbol.includes("/")
  return {
    class: isCrypto ? "crypto" : "us_equity",
    exchange: isCrypto ? "CRYPTO" : "NASDAQ",
    symbol,
    name: symbol,
    status: "active",
    tradable: true,
    fractionable: true,
    ...(isCrypto
      ? { min_order_size: "0.000001", min_trade_increment: "0.000000001", price_increment: "0.000000001" }
      : {})
  }
}

export const account = {
  status: "ACTIVE",
  crypto_status: "ACTIVE",
  currency: "USD",
  buying_power: "1000000000",
  cash: "1000000000",
  trading_blocked: false,
  account_blocked: false,
  trade_suspended_by_user: false
}
