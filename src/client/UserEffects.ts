import * as EffectCalls from "./EffectCalls.ts"
import type { UserOptions } from "./promise/accounts/UserOptions.ts"
import * as AssetCalls from "./promise/AssetCalls.ts"
import type { ServerAccess } from "./promise/Requests.ts"
import * as UserCalls from "./promise/UserCalls.ts"

/** Prices, and the calls of a user, with promises. */
export interface UserPromises extends Omit<AssetCalls.AssetCalls, "assets">, UserCalls.UserRequests {}

/** Prices, and the calls of a user, as effects with `BigDecimal`s and typed errors. */
export type UserEffects = EffectCalls.EffectCalls<UserPromises>

const LISTS = ["transactions", "securityEvents", "list"]

/** Makes the calls, and the authorization of their user. All of them share one session. */
export const make = (server: ServerAccess, options: UserOptions) => {
  const { requests, user } = UserCalls.make(server, options)
  const promisesOf = (access: ServerAccess): UserPromises => {
    const { board, cryptoPrices, stockPrices } = AssetCalls.make(access)
    return { board, cryptoPrices, stockPrices, ...requests(access) }
  }
  return { user, effects: EffectCalls.fromPromises(server, promisesOf, LISTS) }
}
