import type { Examples } from "./Example.ts"

const TRANSFER = {
  id: "01a22a41-7c10-7f3a-9d21-5b0c8e4f7a12",
  type: "transfer",
  asset: "USD",
  amount: "25.00",
  change: "-25.00",
  balance: "475.00",
  counterparty: "bola",
  note: "Dinner",
  reference: null,
  order_id: null,
  conversion_id: null,
  created_at: "2026-11-30T02:21:05.442Z"
}

const TRANSFER_STATE = {
  id: TRANSFER.id,
  state: "completed",
  type: "transfer",
  asset: "USD",
  amount: "25.00",
  counterparty: "bola",
  note: "Dinner",
  created_at: TRANSFER.created_at,
  transaction_id: TRANSFER.id
}

const WALLET_ID = "01a22a38-11d2-7c55-8b06-93f1de5a0c77"

const CONVERSION = {
  id: "01a22a58-22f7-7bd4-a22e-5f0a3c0cbb64",
  type: "conversion",
  counterparty: null,
  note: null,
  reference: null,
  order_id: null,
  conversion_id: "01a22a58-22f7-7bd4-a22e-5f0a3c0cbb64",
  created_at: "2026-11-30T02:45:11.287Z"
}

/** Examples of wallets, by operation id. */
export const WalletExamples: Examples = {
  "wallet.wallet": {
    response: {
      wallet_id: WALLET_ID,
      balance: "475.00",
      currency: "USD",
      balances: [
        { asset: "BTC", balance: "0.50000000", held: "0.00000000", available: "0.50000000" },
        { asset: "USD", balance: "475.00", held: "75.00", available: "400.00" }
      ],
      total: {
        currency: "USD",
        value: "32975.06",
        as_of: "2026-11-30T02:19:52.418Z",
        complete: true,
        rates: [
          {
            pair: "BTC:USD",
            rate: "65000.125",
            rate_id: "01a22a37-3b1f-7000-8000-0024baa98d9d",
            as_of: "2026-11-30T02:19:52.418Z",
            stale: false
          }
        ],
        unpriced: []
      }
    }
  },
  "wallet.at": {
    parameters: { time: "2026-11-30T02:00:00.000Z" },
    response: {
      wallet_id: WALLET_ID,
      time: "2026-11-30T02:00:00.000Z",
      balances: [{ asset: "USD", balance: "500.00" }]
    }
  },
  "wallet.statement": {
    parameters: { since: "2026-11-01T00:00:00Z", until: "2026-11-30T00:00:00Z", asset: "USD" },
    response: {
      wallet_id: WALLET_ID,
      username: "ada",
      since: "2026-11-01T00:00:00.000Z",
      until: "2026-11-30T00:00:00.000Z",
      balances: [{ asset: "USD", opening: "120.00", closing: "500.00", change: "380.00", movements: 3 }]
    }
  },
  "transactions.list": {
    parameters: { asset: "USD", type: "transfer", since: "2026-11-01T00:00:00Z", page_size: "20" },
    response: { data: [TRANSFER], has_more: false, next: null }
  },
  "transactions.transaction": {
    parameters: { transaction_id: CONVERSION.id },
    response: {
      id: CONVERSION.id,
      type: CONVERSION.type,
      created_at: CONVERSION.created_at,
      movements: [
        { ...CONVERSION, asset: "USD", amount: "500.00", change: "-500.00", balance: "0.00" },
        { ...CONVERSION, asset: "NGN", amount: "760197.48", change: "760197.48", balance: "760197.48" }
      ]
    }
  },
  "transfers.send": {
    request: { to: "bola", asset: "USD", amount: "25.00", note: "Dinner" },
    response: TRANSFER,
    accepted: { ...TRANSFER_STATE, state: "held-for-review", transaction_id: null }
  },
  "transfers.find": {
    parameters: { transfer_id: TRANSFER.id },
    response: TRANSFER_STATE
  },
  "transfers.recipient": {
    parameters: { to: "bola" },
    response: { wallet_id: "01a22a38-11d2-7c55-8b06-93f1de5a0c77", username: "bola" }
  }
}
