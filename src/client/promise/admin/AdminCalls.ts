import * as AuditCalls from "../conversion/AuditCalls.ts"
import type { PagedList } from "../Pages.ts"
import { keyHeaders, type ServerAccess, type UserAuthorization } from "../Requests.ts"
import * as AdminRequests from "./AdminRequests.ts"
import type { AdminAction } from "./AdminValues.ts"
import * as AssetAdminCalls from "./AssetAdminCalls.ts"
import * as KeyCalls from "./KeyCalls.ts"
import * as LedgerCalls from "./LedgerCalls.ts"
import * as OperationCalls from "./OperationCalls.ts"
import * as OverviewCalls from "./OverviewCalls.ts"
import * as RiskCalls from "./RiskCalls.ts"
import * as SettlementCalls from "./SettlementCalls.ts"
import * as UserAdminCalls from "./UserAdminCalls.ts"

/** Calls of an administrator. */
export interface AdminCalls extends OverviewCalls.OverviewCalls {
  readonly users: UserAdminCalls.UserAdminCalls
  readonly funding: SettlementCalls.FundingAdminCalls
  readonly batches: SettlementCalls.BatchCalls
  readonly reviews: RiskCalls.ReviewCalls
  readonly risk: RiskCalls.RiskCalls
  readonly ledger: LedgerCalls.LedgerCalls
  readonly assets: AssetAdminCalls.AssetAdminCalls
  readonly quarantine: OperationCalls.QuarantineCalls
  readonly poller: OperationCalls.PollerCalls
  readonly keys: KeyCalls.KeyCalls
  /** Conversions of all callers, with their receipts. */
  readonly audit: AuditCalls.AuditCalls
  /** Lists what administrators did, newest first. `subject` is the id of a user. */
  actions(
    options?: AdminRequests.ListOptions & { readonly subject?: string | undefined }
  ): PagedList<AdminAction>
}

/** Returns the access of an administrator: that of the API key, or else of the user who is signed in. */
export const accessOf = (access: ServerAccess, user: UserAuthorization): ServerAccess =>
  access.apiKey === undefined
    ? { ...access, user }
    : { ...access, user: { headers: async () => keyHeaders(access), refused: async () => false } }

/** Makes the calls of an administrator. */
export const make = (access: ServerAccess): AdminCalls => {
  const requests = AdminRequests.make(access)
  return {
    ...OverviewCalls.make(requests),
    keys: KeyCalls.make(requests),
    audit: AuditCalls.make(access, "user"),
    users: UserAdminCalls.make(requests),
    funding: SettlementCalls.makeFunding(requests),
    batches: SettlementCalls.makeBatches(requests),
    reviews: RiskCalls.makeReviews(requests),
    risk: RiskCalls.make(requests),
    ledger: LedgerCalls.make(requests),
    assets: AssetAdminCalls.make(requests),
    quarantine: OperationCalls.makeQuarantine(requests),
    poller: OperationCalls.makePoller(requests),
    actions: (options = {}) => requests.list("actions", "/actions", options, ["subject"])
  }
}
