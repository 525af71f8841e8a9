import * as Access from "./Access.ts"
import * as AdminCalls from "./admin/AdminCalls.ts"
import type { Client } from "./Client.ts"
import { assemble, CONNECT_OPTIONS, type ConnectOptions } from "./Connect.ts"
import * as Options from "./Options.ts"

/** A client with the calls of an administrator. */
export interface AdminClient extends Client {
  /** Calls of an administrator: of the user who is signed in, or of an API key with the scope `admin`. */
  readonly admin: AdminCalls.AdminCalls
}

/** Creates a client like `connect` that has the calls of an administrator too. */
export const connectAdmin = (url: string | URL, options: ConnectOptions = {}): AdminClient => {
  Options.requireKnown("connectAdmin", options, CONNECT_OPTIONS)
  const made = Access.make(url, options)
  const { client, user } = assemble(made, options)
  return { ...client, admin: AdminCalls.make(AdminCalls.accessOf(made.access, user)) }
}
