import type { Examples } from "./Example.ts"

const CONVERSION = {
  conversion: {
    audit_id: "01a22c14-984f-706d-b887-f33529d101fb",
    from_currency: "USD",
    to_currency: "NGN",
    input_amount: "500.00",
    output_amount: "760197.48",
    mid_rate: "1528.0351515",
    margin: "0.005",
    rate: "1520.3949757425",
    rate_id: "01a22c14-1e06-7000-8000-00dda85053a0",
    provider: "sandbox",
    rate_fetched_at: "2026-11-30T10:50:45.638Z",
    stale: false,
    amount_type: "source",
    converted_at: "2026-11-30T10:51:16.943Z"
  },
  transactions: [
    {
      id: "01a22c14-984f-706d-b887-f33529d101fb",
      type: "conversion",
      asset: "USD",
      amount: "500.00",
      change: "-500.00",
      balance: "100.00",
      counterparty: null,
      note: null,
      reference: null,
      order_id: null,
      conversion_id: "01a22c14-984f-706d-b887-f33529d101fb",
      created_at: "2026-11-30T10:51:16.947Z"
    },
    {
      id: "01a22c14-984f-706d-b887-f33529d101fb",
      type: "conversion",
      asset: "NGN",
      amount: "760197.48",
      change: "760197.48",
      balance: "760197.48",
      counterparty: null,
      note: null,
      reference: null,
      order_id: null,
      conversion_id: "01a22c14-984f-706d-b887-f33529d101fb",
      created_at: "2026-11-30T10:51:16.947Z"
    }
  ],
  balances: [
    {
      asset: "USD",
      balance: "100.00"
    },
    {
      asset: "NGN",
      balance: "760197.48"
    }
  ]
}

const QUOTE = {
  quote_id: "01a22c14-625e-73cc-9c26-c293a64ad96d",
  state: "open",
  expires_at: "2026-11-30T10:52:03.134Z",
  from_currency: "USD",
  to_currency: "NGN",
  input_amount: "500.00",
  output_amount: "760197.48",
  mid_rate: "1528.0351515",
  margin: "0.005",
  rate: "1520.3949757425",
  rate_id: "01a22c14-1e06-7000-8000-00dda85053a0",
  provider: "sandbox",
  rate_fetched_at: "2026-11-30T10:50:45.638Z",
  stale: false,
  amount_type: "source",
  created_at: "2026-11-30T10:51:03.134Z"
}

const RECEIPT = {
  record: {
    audit_id: "01a22c14-984f-706d-b887-f33529d101fb",
    from_currency: "USD",
    to_currency: "NGN",
    input_amount: "500.00",
    output_amount: "760197.48",
    mid_rate: "1528.0351515",
    margin: "0.005",
    rate: "1520.3949757425",
    rate_id: "01a22c14-1e06-7000-8000-00dda85053a0",
    provider: "sandbox",
    rate_fetched_at: "2026-11-30T10:50:45.638Z",
    stale: false,
    amount_type: "source",
    exact_output: "760197.48787125",
    residual: "0.00787125",
    quote_id: null,
    reference: null,
    principal: "user:01a22c14-204d-7031-bfe9-d135779a698a",
    converted_at: "2026-11-30T10:51:16.943Z"
  },
  position: 1,
  proof: [],
  chain: {
    previous_hash: "0000000000000000000000000000000000000000000000000000000000000000",
    hash: "bacfcc069aeb4567e9cf18e86b80419ec048d106c77f60fcdeaff8cc05943255"
  },
  head: {
    tree_size: 1,
    root_hash: "b41338fd14f33af08fe51b0c8a017f81436e4f7b84cff2a249290eeb94312fb1",
    chain_hash: "bacfcc069aeb4567e9cf18e86b80419ec048d106c77f60fcdeaff8cc05943255",
    signed_at: "2026-11-30T10:51:16.979Z",
    public_key: "fa4630612de13f4b49a9b5096c40e9d17083881a18113bd6a19d90c72691e646",
    signature:
      "06afe98e53fa0dfdadcff177b9ac5c95cc86c9c7f18f2dbe62036619f27f91f4c295be5e281601ea270fe68ee6518226ab31207a7e9c0df680b27edcb99bc208"
  }
}

const STATE = {
  id: "01a22c14-984f-706d-b887-f33529d101fb",
  state: "completed",
  type: "conversion",
  asset: "USD",
  amount: "500.00",
  to: "NGN",
  reference: null,
  created_at: "2026-11-30T10:51:16.943Z",
  transaction_id: "01a22c14-984f-706d-b887-f33529d101fb"
}

const PRICE = { from: "USD", to: "NGN", amount: "500.00" }

/** Examples of conversions in the wallet, by operation id. */
export const WalletConversionExamples: Examples = {
  "walletConversions.convert": {
    request: PRICE,
    response: CONVERSION,
    accepted: { ...STATE, state: "held-for-review", transaction_id: null }
  },
  "walletConversions.createQuote": { request: { ...PRICE, ttl: "1 minute" }, response: QUOTE },
  "walletConversions.quote": {
    parameters: { quote_id: QUOTE.quote_id },
    response: QUOTE
  },
  "walletConversions.conversion": {
    parameters: { audit_id: CONVERSION.conversion.audit_id },
    response: CONVERSION
  },
  "walletConversions.state": {
    parameters: { conversion_id: STATE.id },
    response: STATE
  },
  "walletConversions.cancel": {
    parameters: { conversion_id: STATE.id },
    response: { ...STATE, state: "cancelled", transaction_id: null }
  },
  "walletConversions.receipt": {
    parameters: { audit_id: CONVERSION.conversion.audit_id },
    response: RECEIPT
  }
}
