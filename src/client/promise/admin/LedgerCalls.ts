import { idempotencyKeyOf } from "../IdempotentRequests.ts"
import * as Options from "../Options.ts"
import type { PagedList } from "../Pages.ts"
import type { CallOptions } from "../Requests.ts"
import type { AdminRequests, ListOptions, Reason } from "./AdminRequests.ts"
import type {
  Adjustment,
  LedgerAccount,
  LedgerEntry,
  LedgerTransfer,
  LedgerVerification,
  TrialBalance
} from "./LedgerValues.ts"

/** The double-entry ledger. */
export interface LedgerCalls {
  accounts(options?: ListOptions): PagedList<LedgerAccount>
  account(accountId: string, options?: CallOptions): Promise<LedgerAccount>
  /** Lists the entries of an account, newest first. */
  entries(accountId: string, options?: ListOptions): PagedList<LedgerEntry>
  freeze(accountId: string, reason: Reason, options?: CallOptions): Promise<LedgerAccount>
  unfreeze(accountId: string, reason: Reason, options?: CallOptions): Promise<LedgerAccount>
  transfer(transferId: string, options?: CallOptions): Promise<LedgerTransfer>
  /** Returns the sums by asset and role, now or at a time. */
  trialBalance(at?: Date | string, options?: CallOptions): Promise<TrialBalance>
  /** Recomputes the whole ledger on the server. */
  verify(options?: CallOptions): Promise<LedgerVerification>
  adjustments(
    options?: ListOptions & { readonly state?: Adjustment["state"] | undefined }
  ): PagedList<Adjustment>
  /** Changes a balance. Above a limit, another administrator has to approve it. Retries are safe. */
  adjust(
    adjustment: Reason & {
      readonly account: string
      /** Decimal text, negative to decrease the balance. */
      readonly amount: string
      readonly idempotencyKey?: string | undefined
    },
    options?: CallOptions
  ): Promise<Adjustment>
  approveAdjustment(adjustmentId: string, reason: Reason, options?: CallOptions): Promise<Adjustment>
  rejectAdjustment(adjustmentId: string, reason: Reason, options?: CallOptions): Promise<Adjustment>
}

/** Makes the calls of the ledger. */
export const make = ({ action, get, list, send }: AdminRequests): LedgerCalls => {
  const onAccount = (name: string) =>
    action<LedgerAccount, Reason>(`ledger.${name}`, (id) => `/ledger/accounts/${id}/${name}`, ["reason"])
  const onAdjustment = (name: string) =>
    action<Adjustment, Reason>(`ledger.${name}Adjustment`, (id) => `/ledger/adjustments/${id}/${name}`, [
      "reason"
    ])
  const accountPath = (id: string) => `/ledger/accounts/${Options.pathId("accountId", id)}`

  return {
    accounts: (options = {}) => list("ledger.accounts", "/ledger/accounts", options),
    account: async (id, options) => get("ledger.account", accountPath(id), "balance", options),
    entries: (id, options = {}) => list("ledger.entries", `${accountPath(id)}/entries`, options),
    freeze: onAccount("freeze"),
    unfreeze: onAccount("unfreeze"),
    transfer: async (id, options) =>
      get("ledger.transfer", `/ledger/transfers/${Options.pathId("transferId", id)}`, "entries", options),
    trialBalance: async (at, options) => {
      const input = { path: "/ledger/trial-balance", query: { at: Options.timeText("at", at) } }
      return send("ledger.trialBalance", input, "balanced", options)
    },
    verify: async (options) => get("ledger.verify", "/ledger/verify", "ok", options),
    adjustments: (options = {}) => list("ledger.adjustments", "/ledger/adjustments", options, ["state"]),
    adjust: async ({ idempotencyKey, ...body }, options) => {
      Options.requireKnown("ledger.adjust", body, ["account", "amount", "reason", "idempotencyKey"])
      const input = { path: "/ledger/adjustments", body, idempotencyKey: idempotencyKeyOf(idempotencyKey) }
      return send("ledger.adjust", input, "id", options)
    },
    approveAdjustment: onAdjustment("approve"),
    rejectAdjustment: onAdjustment("reject")
  }
}
