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

/** Examples of wallets, by operation id. */
export const WalletExamples: Examples = {
  "transfers.send": {
    request: { to: "bola", asset: "USD", amount: "25.00", note: "Dinner" },
    response: TRANSFER
  },
  "transfers.recipient": {
    parameters: { to: "bola" },
    response: { wallet_id: "01a22a38-11d2-7c55-8b06-93f1de5a0c77", username: "bola" }
  }
}
