import * as EffectCalls from "./EffectCalls.ts"
import * as AdminCalls from "./promise/admin/AdminCalls.ts"
import type { UserOptions } from "./promise/accounts/UserOptions.ts"
import * as AssetCalls from "./promise/rates/AssetCalls.ts"
import * as AuditCalls from "./promise/conversion/AuditCalls.ts"
import * as RateCalls from "./promise/rates/RateCalls.ts"
import type { ServerAccess } from "./promise/Requests.ts"
import * as UserCalls from "./promise/UserCalls.ts"

/** Prices, polls, proofs, and the calls of users and administrators, with promises. */
export interface UserPromises
  extends
    Pick<AssetCalls.AssetCalls, "board" | "cryptoPrices" | "stockPrices">,
    Pick<AuditCalls.AuditCalls, "auditConsistency" | "auditKeys" | "verifyAuditHeads">,
    Pick<RateCalls.RateCalls, "poll" | "polls">,
    UserCalls.UserRequests {
  /** Calls of an administrator: of the API key if there is one, or else of the user who is signed in. */
  readonly admin: AdminCalls.AdminCalls
}

/** The same as effects, with `BigDecimal`s and typed errors. */
export type UserEffects = EffectCalls.EffectCalls<UserPromises>

/** Names of the calls that return lists. */
const LISTS = [
  "list",
  "polls",
  "transactions",
  "securityEvents",
  "accounts",
  "entries",
  "adjustments",
  "actions",
  "changes",
  "decisions"
]

/** Makes the calls, and the authorization of their user. All of them share one session. */
export const make = (server: ServerAccess, options: UserOptions) => {
  const { requests, user } = UserCalls.make(server, options)
  const promisesOf = (access: ServerAccess): UserPromises => {
    const { board, cryptoPrices, stockPrices } = AssetCalls.make(access)
    const { auditConsistency, auditKeys, verifyAuditHeads } = AuditCalls.make(access)
    const { poll, polls } = RateCalls.make(access)
    const admin = AdminCalls.make(AdminCalls.accessOf(access, user))
    const prices = { board, cryptoPrices, stockPrices, poll, polls }
    return { ...prices, auditConsistency, auditKeys, verifyAuditHeads, ...requests(access), admin }
  }
  return { user, effects: EffectCalls.fromPromises(server, promisesOf, LISTS) }
}
