import type { Examples } from "./Example.ts"

const DEPOSIT = {
  id: "01a22a3b-9a1c-7c55-8d0a-61f0a2b3c4d5",
  direction: "deposit",
  state: "completed",
  asset: "USD",
  amount: "500.00",
  sandbox: true,
  note: null,
  reference: "sandbox:01a22a3b-9a1c-7c55-8d0a-61f0a2b3c4d5",
  reason: null,
  transaction_id: "01a22a3b-9a31-7b0c-9d21-5b0c8e4f7a13",
  created_at: "2026-11-30T02:14:52.031Z",
  settled_at: "2026-11-30T02:14:52.058Z"
}

const WITHDRAWAL = {
  ...DEPOSIT,
  id: "01a22a52-0d3e-7f12-8c4b-2a3b4c5d6e7f",
  direction: "withdrawal",
  state: "pending",
  amount: "120.00",
  sandbox: false,
  note: "Rent",
  reference: null,
  transaction_id: null,
  created_at: "2026-11-30T02:39:20.190Z",
  settled_at: null
}

const MANAGED = {
  ...WITHDRAWAL,
  wallet_id: "01a22a37-399f-7391-879e-20d2b94c6302",
  username: "amara",
  provider: "manual",
  requested_by: "user:01a22a30-1c2d-7f4b-8a3e-5d6c7b8a9f01",
  settled_by: null
}

const settled = {
  settled_by: "user:01a22a31-2d3e-7a5c-9b4f-6e7d8c9b0a12",
  settled_at: "2026-11-30T09:02:11.640Z"
}

const page = <A>(row: A) => ({ data: [row], has_more: false, next: null })
const parameters = { funding_id: WITHDRAWAL.id }

/** Examples of deposits and withdrawals, by operation id. */
export const FundingExamples: Examples = {
  "funding.deposit": {
    request: { amount: "500.00" },
    response: { ...DEPOSIT, balance: "500.00", held: "0.00", available: "500.00" }
  },
  "funding.withdraw": {
    request: { amount: "120.00", asset: "USD", note: "Rent" },
    response: { ...WITHDRAWAL, balance: "500.00", held: "120.00", available: "380.00" }
  },
  "funding.list": { parameters: { state: "pending" }, response: page(WITHDRAWAL) },
  "funding.find": { parameters, response: WITHDRAWAL },
  "fundingAdmin.list": { parameters: { state: "pending" }, response: page(MANAGED) },
  "fundingAdmin.confirm": {
    parameters,
    request: { reference: "BANK-20261130-0042" },
    response: {
      ...MANAGED,
      ...settled,
      state: "completed",
      reference: "BANK-20261130-0042",
      transaction_id: "01a22b80-5e6f-7a8b-9c0d-1e2f3a4b5c6d"
    }
  },
  "fundingAdmin.refuse": {
    parameters,
    request: { reason: "The account of the receiver is closed" },
    response: { ...MANAGED, ...settled, state: "failed", reason: "The account of the receiver is closed" }
  }
}
