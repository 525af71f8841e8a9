import type { Examples } from "./Example.ts"

const WALLET = "01a22a37-399f-7391-879e-20d2b94c6302"

const FUNDING = {
  id: "1",
  owner: null,
  role: "funding",
  asset: "USD",
  balance: "-500",
  held: "0",
  available: "-500",
  version: "1",
  frozen_at: null
}

const ACCOUNT = {
  id: "2",
  owner: WALLET,
  role: "user",
  asset: "USD",
  balance: "500",
  held: "0",
  available: "500",
  version: "1",
  frozen_at: null
}

const TRANSFER = "01a22a3b-9a1c-7c55-8d0a-61f0a2b3c4d5"
const POSTED = {
  transfer_id: TRANSFER,
  version: "1",
  asset: "USD",
  kind: "deposit",
  posted_at: "2026-11-30T02:14:52.031Z"
}
const DEBIT = { ...POSTED, account: "1", amount: "-500", balance: "-500" }
const CREDIT = { ...POSTED, account: "2", amount: "500", balance: "500" }

const PENDING = {
  id: "01a22a40-0f5e-7b1d-9c3e-7a8b9c0d1e2f",
  account: "2",
  asset: "USD",
  amount: "-12.5",
  reason: "Deposit credited twice, ticket 112",
  requested_by: "user:01a22a30-1c2d-7f4b-8a3e-5d6c7b8a9f01",
  requested_at: "2026-11-30T05:20:11.417Z",
  state: "pending",
  decided_by: null,
  decided_at: null,
  decision_reason: null
}

const decided = (state: string, reason: string) => ({
  ...PENDING,
  state,
  decided_by: "user:01a22a31-2d3e-7a5c-9b4f-6e7d8c9b0a12",
  decided_at: "2026-11-30T05:31:40.902Z",
  decision_reason: reason
})

const account = { account_id: "2" }
const adjustment = { adjustment_id: PENDING.id }

/** Examples of the administration of the ledger, by operation id. */
export const LedgerExamples: Examples = {
  "ledger.accounts": { response: { data: [FUNDING, ACCOUNT], has_more: false, next: null } },
  "ledger.account": { parameters: account, response: ACCOUNT },
  "ledger.entries": { parameters: account, response: { data: [CREDIT], has_more: false, next: null } },
  "ledger.freeze": {
    parameters: account,
    request: { reason: "Stolen card, ticket 98" },
    response: { ...ACCOUNT, frozen_at: "2026-11-30T05:20:11.417Z" }
  },
  "ledger.unfreeze": { parameters: account, request: { reason: "Ticket 98 is resolved" }, response: ACCOUNT },
  "ledger.trialBalance": {
    parameters: { at: "2026-11-30T03:00:00.000Z" },
    response: {
      at: "2026-11-30T03:00:00.000Z",
      balanced: true,
      assets: [
        {
          asset: "USD",
          total: "0",
          roles: [
            { role: "funding", accounts: "1", balance: "-500" },
            { role: "user", accounts: "1", balance: "500" }
          ]
        }
      ]
    }
  },
  "ledger.transfer": {
    parameters: { transfer_id: TRANSFER },
    response: {
      id: TRANSFER,
      kind: "deposit",
      details: {},
      posted_at: POSTED.posted_at,
      entries: [DEBIT, CREDIT],
      opened_holds: [],
      ended_holds: []
    }
  },
  "ledger.verify": { response: { ok: true, accounts: 2, entries: 2, transfers: 1 } },
  "ledger.adjustments": {
    parameters: { state: "pending" },
    response: { data: [PENDING], has_more: false, next: null }
  },
  "ledger.adjust": {
    request: { account: "2", amount: "-12.5", reason: PENDING.reason },
    response: PENDING
  },
  "ledger.approve": {
    parameters: adjustment,
    request: { reason: "Checked with the bank" },
    response: decided("posted", "Checked with the bank")
  },
  "ledger.reject": {
    parameters: adjustment,
    request: { reason: "There was only one deposit" },
    response: decided("rejected", "There was only one deposit")
  }
}
