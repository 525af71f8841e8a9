import type { Examples } from "./Example.ts"

const ORDER_ID = "01a22a6a-3c10-7b1f-8e55-2d0c9f4be0a1"
const BATCH_ID = "01a22a6a-4f21-7c02-9a3d-71b6f0c5d9e8"

const ORDER = {
  id: ORDER_ID,
  client_order_id: "mine-1",
  asset: "ABAN",
  crypto: "ABAN",
  side: "buy",
  amount: "0.25",
  price: "20.10",
  total_price: "5.03",
  fee: "0.00",
  state: "aggregated",
  reason: null,
  is_aggregated: true,
  filled: null,
  charged: null,
  created_at: "2026-11-30T15:05:10.216Z",
  completed_at: null
}

const COMPLETED = {
  ...ORDER,
  state: "completed",
  filled: "0.25",
  charged: "5.03",
  completed_at: "2026-11-30T15:07:31.804Z"
}

const BATCH = {
  id: BATCH_ID,
  asset: "ABAN",
  side: "buy",
  is_aggregated: true,
  orders: 2,
  amount: "0.5",
  total: "10.06",
  state: "allocated",
  reason: null,
  detail: null,
  exchange: "sandbox",
  exchange_order_id: "61e69015-8549-4bfd-b9c3-01e75843f47d",
  exchange_amount: "0.5",
  rate: "20.02",
  filled: "0.5",
  cost: "10.01",
  fee: "0.00",
  house_filled: "0",
  submissions: 1,
  failures: 0,
  last_error: null,
  next_attempt_at: "2026-11-30T15:07:31.804Z",
  dead_at: null,
  created_at: "2026-11-30T15:07:31.401Z",
  updated_at: "2026-11-30T15:07:31.804Z"
}

/** Examples of orders and their batches, by operation id. */
export const OrderExamples: Examples = {
  "orders.terms": {
    parameters: { asset: "ABAN" },
    response: {
      asset: "ABAN",
      spread: "0.005",
      minimum_order: null,
      pool_threshold: "10.00",
      pool_max_wait: 300,
      market_open: true,
      sandbox: true
    }
  },
  "orders.place": {
    request: { asset: "ABAN", side: "buy", amount: "0.25", client_order_id: "mine-1" },
    response: ORDER,
    accepted: { ...ORDER, state: "held-for-review" }
  },
  "orders.list": {
    parameters: { state: "completed", asset: "ABAN" },
    response: { data: [COMPLETED], has_more: false, next: null }
  },
  "orders.find": {
    parameters: { order_id: ORDER_ID },
    response: {
      ...ORDER,
      history: [{ state: "aggregated", reason: null, at: "2026-11-30T15:05:10.216Z" }],
      waiting: { reason: "pool", next_attempt_at: null },
      pool: {
        orders: 1,
        total: "5.03",
        threshold: "10.00",
        settles_at: "2026-11-30T15:10:10.216Z"
      }
    }
  },
  "orders.allocation": {
    parameters: { order_id: ORDER_ID },
    response: {
      batch_id: BATCH_ID,
      asset: "ABAN",
      side: "buy",
      rule: "largest-remainder",
      unit: "0.000000001",
      ordered: "0.5",
      filled: "0.5",
      cost: "10.01",
      exchange_order_id: "61e69015-8549-4bfd-b9c3-01e75843f47d",
      sum: "0.5",
      house: { amount: "0", filled: "0" },
      orders: [
        {
          order_id: ORDER_ID,
          is_yours: true,
          amount: "0.25",
          total_price: "5.03",
          remainder: "0",
          has_extra_unit: false,
          filled: "0.25",
          charged: "5.03"
        },
        {
          order_id: "01a22a6c-0b6e-7d4a-b1f3-c89a2e07d516",
          is_yours: false,
          amount: "0.25",
          total_price: "5.03",
          remainder: "0",
          has_extra_unit: false,
          filled: "0.25",
          charged: "5.03"
        }
      ]
    }
  },
  "orders.cancel": {
    parameters: { order_id: ORDER_ID },
    response: { ...ORDER, state: "cancelled" }
  },
  "batches.list": {
    parameters: { state: "allocated" },
    response: { data: [BATCH], has_more: false, next: null }
  },
  "batches.find": {
    parameters: { batch_id: BATCH_ID },
    response: {
      ...BATCH,
      history: [
        { state: "reserved", term: "3", reason: null, detail: null, at: "2026-11-30T15:07:31.401Z" },
        { state: "sent", term: "3", reason: null, detail: null, at: "2026-11-30T15:07:31.533Z" },
        { state: "filled", term: "3", reason: null, detail: null, at: "2026-11-30T15:07:31.748Z" },
        { state: "allocated", term: "3", reason: null, detail: null, at: "2026-11-30T15:07:31.804Z" }
      ]
    }
  },
  "batches.retry": {
    parameters: { batch_id: BATCH_ID },
    request: { reason: "The exchange answers again" },
    response: {
      ...BATCH,
      state: "sent",
      filled: null,
      cost: null,
      fee: null,
      house_filled: null,
      exchange_order_id: null,
      last_error: "The outcome of the request to sandbox is unknown (timeout): no answer within 10s"
    }
  }
}
