import * as AccountCalls from "./accounts/AccountCalls.ts"
import * as Session from "./accounts/Session.ts"
import * as UserOptions from "./accounts/UserOptions.ts"
import * as Options from "./Options.ts"
import * as OrderCalls from "./orders/OrderCalls.ts"
import type { ServerAccess } from "./Requests.ts"
import type { EventStream } from "./streams/EventStream.ts"
import type { StreamSettings } from "./streams/Streams.ts"
import * as FundingCalls from "./wallets/FundingCalls.ts"
import * as TransferCalls from "./wallets/TransferCalls.ts"
import * as WalletCalls from "./wallets/WalletCalls.ts"
import * as WalletConversionCalls from "./wallets/WalletConversionCalls.ts"
import * as WalletStream from "./wallets/WalletStream.ts"
import type { WalletEvent } from "./wallets/WalletValues.ts"

/** Calls of a user without streams. */
export interface UserRequests extends WalletCalls.WalletCalls {
  /** The account: sign-up, sign-in, sessions and the second factor. */
  readonly accounts: AccountCalls.AccountCalls
  /** Deposits and withdrawals. */
  readonly funding: FundingCalls.FundingCalls
  /** Orders for cryptocurrencies and stocks. */
  readonly orders: OrderCalls.OrderCalls
  /** Transfers to other users. */
  readonly transfers: TransferCalls.TransferCalls
  /** Conversions between the balances of the wallet. */
  readonly walletConversions: WalletConversionCalls.WalletConversionCalls
}

/** Calls of a user: the account, the wallet, and what moves its money. */
export interface UserCalls extends UserRequests {
  /** Yields all balances, then balances, transactions, orders and security events as they happen. */
  watchWallet(options?: WalletStream.WatchWalletOptions): EventStream<WalletEvent>
}

/** Makes the session of a client, and functions that make the calls of its user. */
export const make = (server: ServerAccess, options: UserOptions.UserOptions) => {
  const session = Session.make(server, UserOptions.sessionOptions(server.url, options))
  const user = UserOptions.keyAuthorization(server.apiKey, options) ?? session
  const inCookie = options.session === "cookie"
  return {
    user,
    requests: (access: ServerAccess): UserRequests => {
      const asUser = { ...access, user }
      return {
        ...WalletCalls.make(asUser),
        accounts: AccountCalls.make({ ...access, user: session }, session, inCookie),
        funding: FundingCalls.make(asUser),
        orders: OrderCalls.make(asUser),
        transfers: TransferCalls.make(asUser),
        walletConversions: WalletConversionCalls.make(asUser)
      }
    },
    watchWallet: (access: ServerAccess, streams: StreamSettings): Pick<UserCalls, "watchWallet"> => ({
      watchWallet(options = {}) {
        Options.requireKnown("watchWallet", options, ["since", "onState", "signal"])
        return WalletStream.make({ ...access, user }, streams, options)
      }
    })
  }
}
