import * as EffectCalls from "./EffectCalls.ts"
import * as AccountCalls from "./promise/accounts/AccountCalls.ts"
import * as Session from "./promise/accounts/Session.ts"
import * as UserOptions from "./promise/accounts/UserOptions.ts"
import * as AssetCalls from "./promise/AssetCalls.ts"
import type { ServerAccess } from "./promise/Requests.ts"
import * as TransferCalls from "./promise/wallets/TransferCalls.ts"

/** Prices, and the calls of a user, with promises. */
export interface UserPromises extends Omit<AssetCalls.AssetCalls, "assets"> {
  /** The account of the user. */
  readonly accounts: AccountCalls.AccountCalls
  /** Transfers to other users. */
  readonly transfers: TransferCalls.TransferCalls
}

/** Prices, and the calls of a user, as effects with `BigDecimal`s and typed errors. */
export type UserCalls = EffectCalls.EffectCalls<UserPromises>

/** Makes the calls. All of them share one session. */
export const make = (server: ServerAccess, options: UserOptions.UserOptions): UserCalls => {
  const session = Session.make(server, UserOptions.sessionOptions(server.url, options))
  const user = UserOptions.keyAuthorization(server.apiKey, options) ?? session
  const inCookie = options.session === "cookie"
  return EffectCalls.fromPromises(server, (access): UserPromises => {
    const { board, cryptoPrices, stockPrices } = AssetCalls.make(access)
    return {
      board,
      cryptoPrices,
      stockPrices,
      accounts: AccountCalls.make({ ...access, user: session }, session, inCookie),
      transfers: TransferCalls.make({ ...access, user })
    }
  })
}
