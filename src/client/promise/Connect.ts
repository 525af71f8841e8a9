import * as Access from "./Access.ts"
import * as UserOptions from "./accounts/UserOptions.ts"
import * as AssetCalls from "./rates/AssetCalls.ts"
import * as AuditCalls from "./conversion/AuditCalls.ts"
import type { Client } from "./Client.ts"
import * as ConversionCalls from "./conversion/ConversionCalls.ts"
import * as Options from "./Options.ts"
import * as RateCalls from "./rates/RateCalls.ts"
import * as Streams from "./streams/Streams.ts"
import * as UserCalls from "./UserCalls.ts"

/** Options of {@link connect}. */
export interface ConnectOptions extends Access.AccessOptions, UserOptions.UserOptions {}

export const CONNECT_OPTIONS = [...Access.ACCESS_OPTIONS, ...UserOptions.USER_OPTIONS]

/**
 * Creates a client of the server at a URL such as `http://127.0.0.1:8000`. Sends nothing yet. Throws an `EffexError` for a
 * wrong URL, a wrong option, and a Node.js that is too old.
 */
export const connect = (url: string | URL, options: ConnectOptions = {}): Client => {
  Options.requireKnown("connect", options, CONNECT_OPTIONS)
  return assemble(Access.make(url, options), options).client
}

/** Makes the client, and the authorization of its user. */
export const assemble = ({ access, close, streams }: Access.Access, options: UserOptions.UserOptions) => {
  const { requests, user, watchWallet } = UserCalls.make(access, options)
  const client: Client = {
    ...RateCalls.make(access),
    ...AssetCalls.make(access),
    ...ConversionCalls.make(access),
    ...AuditCalls.make(access),
    ...Streams.make(access, streams),
    ...requests(access),
    ...watchWallet(access, streams),
    close,
    [Symbol.asyncDispose]: close
  }
  return { client, user }
}
