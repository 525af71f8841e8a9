import type { Examples } from "./Example.ts"

const RULE = { enabled: true, outcome: "deny", unpriced: "review" }
const VELOCITY = {
  ...RULE,
  hour_count: 1000,
  hour_value: "1000000",
  day_count: 10000,
  day_value: "5000000"
}
const REVIEWED = { ...RULE, outcome: "review", min_value: "10000" }

const RULES = {
  velocity: VELOCITY,
  asset_velocity: VELOCITY,
  new_account: { ...REVIEWED, max_age: "1 day", share: "0.8" },
  new_device: { ...REVIEWED, max_age: "1 hour", share: "0.8" },
  deposit_withdrawal: { ...REVIEWED, window: "10 minutes", share: "0.8" },
  circular_transfer: { ...REVIEWED, window: "1 hour" },
  small_orders: { ...RULE, hour_count: 500, max_value: "10" },
  failed_logins: { ...REVIEWED, failures: 5 }
}

const STORED = {
  rules: RULES,
  source: "database",
  version: 1,
  changed_at: "2026-11-30T09:12:45.310Z",
  changed_by: "user:01a22a31-2d3e-7a5c-9b4f-6e7d8c9b0a12"
}

const FROM_SETTINGS = { ...STORED, source: "setting", version: 0, changed_at: null, changed_by: null }

const MOVEMENT = {
  wallet_id: "01a22a37-399f-7391-879e-20d2b94c6302",
  username: "amara",
  kind: "transfer",
  asset: "USD",
  amount: "12000.00",
  value: "12000",
  rules: [
    {
      rule: "failed_logins",
      outcome: "review",
      detail: "6 failed logins before",
      remaining: null,
      resets_at: null
    }
  ],
  created_at: "2026-11-30T09:20:11.004Z"
}

const PENDING = {
  id: "01a22bb9-6f4c-7d10-8e21-3c4d5e6f7a80",
  state: "pending",
  ...MOVEMENT,
  counterparty: "bola",
  note: null,
  order: null,
  conversion: null,
  expires_at: "2026-12-03T09:20:11.004Z",
  decided_by: null,
  decided_at: null,
  reason: null,
  transfer_id: null
}

const decided = {
  decided_by: "user:01a22a31-2d3e-7a5c-9b4f-6e7d8c9b0a12",
  decided_at: "2026-11-30T09:41:30.552Z",
  transfer_id: "01a22bcc-ec18-7a6b-9f02-4d5e6f7a8b90"
}

const parameters = { review_id: PENDING.id }
const page = <A>(row: A) => ({ data: [row], has_more: false, next: null })

/** Examples of risk rules and reviews, by operation id. */
export const RiskExamples: Examples = {
  "risk.reviews": { response: page(PENDING) },
  "risk.review": { parameters, response: PENDING },
  "risk.approve": {
    parameters,
    request: { reason: "Called the customer" },
    response: { ...PENDING, ...decided, state: "approved", reason: "Called the customer" }
  },
  "risk.reject": {
    parameters,
    request: { reason: "The customer did not send it" },
    response: { ...PENDING, ...decided, state: "rejected", reason: "The customer did not send it" }
  },
  "risk.decisions": {
    response: page({
      id: "01a22bb9-6f4d-7c31-9a12-5e6f7a8b9c01",
      outcome: "review",
      transfer_id: PENDING.id,
      ...MOVEMENT
    })
  },
  "risk.rules": { response: FROM_SETTINGS },
  "risk.changeRules": { request: RULES, response: STORED },
  "risk.resetRules": {
    response: { ...FROM_SETTINGS, version: 2, changed_at: STORED.changed_at, changed_by: STORED.changed_by }
  }
}
