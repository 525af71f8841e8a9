import * as EffectCalls from "./EffectCalls.ts"
import * as AdminCalls from "./promise/admin/AdminCalls.ts"
import type { UserOptions } from "./promise/accounts/UserOptions.ts"
import * as AssetCalls from "./promise/AssetCalls.ts"
import type { ServerAccess } from "./promise/Requests.ts"
import * as UserCalls from "./promise/UserCalls.ts"

/** Prices, and the calls of a user, with promises. */
export interface UserPromises extends Omit<AssetCalls.AssetCalls, "assets">, UserCalls.UserRequests {
  /** Calls of an administrator: of the API key if there is one, or else of the user who is signed in. */
  readonly admin: AdminCalls.AdminCalls
}

/** Prices, and the calls of a user, as effects with `BigDecimal`s and typed errors. */
export type UserEffects = EffectCalls.EffectCalls<UserPromises>

/** Names of the calls that return lists. */
const LISTS = [
  "list",
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
    const admin = AdminCalls.make(AdminCalls.accessOf(access, user))
    return { board, cryptoPrices, stockPrices, ...requests(access), admin }
  }
  return { user, effects: EffectCalls.fromPromises(server, promisesOf, LISTS) }
}
