/** Answers in the format of Alpaca's documentation. */

export const CLIENT_ORDER_ID = "0193779a-0000-7000-8000-00000000000a"

/** An order of `GET /v2/orders/{id}`. */
export const order = (fields: Readonly<Record<string, unknown>> = {}) => ({
  id: "61e69015-8549-4bfd-b9c3-01e75843f47d",
  client_order_id: CLIENT_ORDER_ID,
  created_at: "2026-11-30T15:02:11.123456789Z",
  updated_at: "2026-11-30T15:02:11.223456789Z",
  submitted_at: "2026-11-30T15:02:11.123456789Z",
  filled_at: null,
  expired_at: null,
  canceled_at: null,
  failed_at: null,
  replaced_at: null,
  replaced_by: null,
  replaces: null,
  asset_id: "b0b6dd9d-8b9b-48a9-ba46-b9d54906e415",
  symbol: "AAPL",
  asset_class: "us_equity",
  notional: null,
  qty: "15",
  filled_qty: "0",
  filled_avg_price: null,
  order_class: "",
  order_type: "market",
  type: "market",
  side: "buy",
  time_in_force: "day",
  limit_price: null,
  stop_price: null,
  status: "accepted",
  extended_hours: false,
  legs: null,
  trail_percent: null,
  trail_price: null,
  hwm: null,
  ...fields
})

/** `GET /v2/assets/BTC%2FUSD`. */
export const bitcoin = {
  id: "276e2673-764b-4ab6-a611-caf665ca6340",
  class: "crypto",
  exchange: "CRYPTO",
  symbol: "BTC/USD",
  name: "Bitcoin / US Dollar",
  status: "active",
  tradable: true,
  marginable: false,
  shortable: false,
  easy_to_borrow: false,
  fractionable: true,
  min_order_size: "0.000013889",
  min_trade_increment: "0.000000001",
  price_increment: "0.01"
}

/** `GET /v2/assets/AAPL`. */
export const apple = {
  id: "b0b6dd9d-8b9b-48a9-ba46-b9d54906e415",
  class: "us_equity",
  exchange: "NASDAQ",
  symbol: "AAPL",
  name: "Apple Inc. Common Stock",
  status: "active",
  tradable: true,
  marginable: true,
  shortable: true,
  easy_to_borrow: true,
  fractionable: true
}

/** `GET /v2/clock` on a Monday during the session. */
export const openClock = {
  timestamp: "2026-11-30T10:02:11.123456789-05:00",
  is_open: true,
  next_open: "2026-12-01T09:30:00-05:00",
  next_close: "2026-11-30T16:00:00-05:00"
}

/** `GET /v2/account`. */
export const account = {
  id: "1d9eed04-be39-4e01-9b84-a48ac5bbafcf",
  account_number: "PALPACA_123",
  status: "ACTIVE",
  crypto_status: "ACTIVE",
  currency: "USD",
  buying_power: "245432.61",
  cash: "122086.5",
  trading_blocked: false,
  transfers_blocked: false,
  account_blocked: false,
  trade_suspended_by_user: false,
  multiplier: "2"
}
