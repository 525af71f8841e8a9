import type { Examples } from "./Example.ts"
import { OperationExamples } from "./OperationExamples.ts"
import { WalletExamples } from "./WalletExamples.ts"
import { UserEventExamples } from "./UserEventExamples.ts"

const USER_ID = "01a22a37-399f-7391-879e-20d2b94c6301"

const KEY = {
  id: "key_3kTMd9Xw2bQz",
  name: "shop",
  ends_with: "k3Qa",
  scopes: ["convert", "audit:read"],
  mode: "test",
  created_at: "2026-11-30T02:09:52.031Z",
  expires_at: "2027-02-28T02:09:52.031Z",
  revoked_at: null,
  last_used_at: null
}

const NOTHING = { count: 0, oldest_at: null }

/** The response of another operation, which has the same schema. */
const responseOf = (examples: Examples, operationId: string): object => examples[operationId]?.response ?? {}

const page = (row: unknown) => ({ data: [row], has_more: false, next: null })

/** Examples of API keys, the overview, the settings in force and the records of users. */
export const AdministrationExamples: Examples = {
  "keys.list": { response: page(KEY) },
  "keys.create": {
    request: { name: "shop", scopes: KEY.scopes, lifetime: "90 days", reason: "New shop, ticket 97" },
    response: { ...KEY, key: "efx_test_2fXvBq8sWzR4kYtN6mHcJ1pLdG7aKe0Qk3Qa" }
  },
  "keys.revoke": {
    parameters: { key_id: KEY.id },
    request: { reason: "The shop was closed" },
    response: { ...KEY, revoked_at: "2026-11-30T05:20:11.417Z" }
  },
  "overview.overview": {
    response: {
      as_of: "2026-11-30T02:10:05.114Z",
      instance: { version: "0.1.0", sandbox: true, funding: "sandbox", exchange: "sandbox" },
      readiness: responseOf(OperationExamples, "operations.ready"),
      poller: {
        interval: "10 minutes",
        enabled: true,
        last_run: {
          run_id: "01a22a37-399f-7391-879e-20d2b94c6248",
          status: "finished",
          trigger: "schedule",
          pair_set: "currencies",
          term: 1,
          started_at: "2026-11-30T02:09:52.031Z",
          finished_at: "2026-11-30T02:09:54.397Z",
          pairs: 44,
          succeeded: 44,
          failed: 0,
          requested_by: null
        }
      },
      backlog: {
        quarantine: { count: 1, oldest_at: "2026-11-30T01:19:52.455Z" },
        deposits: NOTHING,
        withdrawals: NOTHING,
        reviews: NOTHING,
        adjustments: NOTHING,
        dead_batches: NOTHING,
        open_orders: NOTHING
      },
      alerts: [
        {
          alert: "EffexRatesQuarantined",
          severity: "warning",
          summary: "1 quarantined rates await a decision"
        }
      ]
    }
  },
  "overview.settings": {
    response: {
      data: [
        {
          name: "POLL_INTERVAL",
          value: "5 minutes",
          default: "10 minutes",
          source: "environment",
          secret: false,
          overridden_by: null,
          description: "Time between the starts of two polls. `off` disables polling",
          allowed: "a duration from 1 second to 24 days, or `off`"
        },
        {
          name: "DATABASE_URL",
          value: null,
          default: "none: an embedded PostgreSQL in DATA_DIR",
          source: "environment",
          secret: true,
          overridden_by: null,
          description: "URL of the PostgreSQL database",
          allowed: "postgres://user:password@host:port/database"
        }
      ]
    }
  },
  "userRecords.wallet": {
    parameters: { user_id: USER_ID },
    response: responseOf(WalletExamples, "wallet.wallet")
  },
  "userRecords.transactions": {
    parameters: { user_id: USER_ID },
    response: responseOf(WalletExamples, "transactions.list")
  },
  "userRecords.securityEvents": {
    parameters: { user_id: USER_ID },
    response: responseOf(UserEventExamples, "account.securityEvents")
  }
}
