import * as Access from "./Access.ts"
import * as AccountCalls from "./accounts/AccountCalls.ts"
import * as Session from "./accounts/Session.ts"
import * as UserOptions from "./accounts/UserOptions.ts"
import * as AssetCalls from "./AssetCalls.ts"
import * as AuditCalls from "./AuditCalls.ts"
import type { Client } from "./Client.ts"
import * as ConversionCalls from "./ConversionCalls.ts"
import * as Options from "./Options.ts"
import * as RateCalls from "./RateCalls.ts"
import * as Streams from "./streams/Streams.ts"
import * as TransferCalls from "./wallets/TransferCalls.ts"

/** Options of {@link connect}. */
export interface ConnectOptions extends Access.AccessOptions, UserOptions.UserOptions {}

const OPTIONS = [...Access.ACCESS_OPTIONS, ...UserOptions.USER_OPTIONS]

/**
 * Creates a client of the server at a URL such as `http://127.0.0.1:8000`. Sends nothing yet. Throws an `EffexError` for a
 * wrong URL, a wrong option, and a Node.js that is too old.
 */
export const connect = (url: string | URL, options: ConnectOptions = {}): Client => {
  Options.requireKnown("connect", options, OPTIONS)
  const { access: server, close, streams } = Access.make(url, options)
  const session = Session.make(server, UserOptions.sessionOptions(server.url, options))
  const access = { ...server, user: UserOptions.keyAuthorization(server.apiKey, options) ?? session }
  return {
    ...RateCalls.make(access),
    ...AssetCalls.make(access),
    ...ConversionCalls.make(access),
    ...AuditCalls.make(access),
    ...Streams.make(access, streams),
    accounts: AccountCalls.make({ ...access, user: session }, session, options.session === "cookie"),
    transfers: TransferCalls.make(access),
    close,
    [Symbol.asyncDispose]: close
  }
}
