import * as Options from "../Options.ts"
import type { PagedList } from "../Pages.ts"
import type { CallOptions } from "../Requests.ts"
import type { SecurityEvent } from "../accounts/AccountValues.ts"
import type { Transaction, Wallet } from "../wallets/WalletValues.ts"
import type { AdminRequests, ListOptions, Reason } from "./AdminRequests.ts"
import type { ManagedUser } from "./AdminValues.ts"

/** Administration of users. Each action is recorded with its reason. */
export interface UserAdminCalls {
  /** Lists users in the order of their names. `prefix` is the beginning of the names. */
  list(options?: ListOptions & { readonly prefix?: string | undefined }): PagedList<ManagedUser>
  get(userId: string, options?: CallOptions): Promise<ManagedUser>
  /** Ends all sessions, and refuses sign-in until the user is unlocked. */
  lock(userId: string, reason: Reason, options?: CallOptions): Promise<ManagedUser>
  unlock(userId: string, reason: Reason, options?: CallOptions): Promise<ManagedUser>
  /** Removes the second factor of a user who lost it, and ends all sessions. */
  resetMfa(userId: string, reason: Reason, options?: CallOptions): Promise<ManagedUser>
  endSessions(userId: string, reason: Reason, options?: CallOptions): Promise<ManagedUser>
  setRole(
    userId: string,
    change: Reason & { readonly role: "user" | "admin" },
    options?: CallOptions
  ): Promise<ManagedUser>
  /** Returns the balances of a user. */
  wallet(userId: string, options?: CallOptions): Promise<Wallet>
  /** Lists the movements of the wallet of a user, newest first. */
  transactions(userId: string, options?: ListOptions): PagedList<Transaction>
  /** Lists sign-ins and changes of the account of a user, newest first. */
  securityEvents(userId: string, options?: ListOptions): PagedList<SecurityEvent>
}

/** Makes the calls that administer users. */
export const make = ({ action, get, list }: AdminRequests): UserAdminCalls => {
  const onUser = <Body extends object = Reason>(name: string, path: string, fields = ["reason"]) =>
    action<ManagedUser, Body>(`users.${name}`, (id) => `/users/${id}/${path}`, fields)
  const pathOf = (id: string) => `/users/${Options.pathId("userId", id)}`
  return {
    list: (options = {}) => list("users.list", "/users", options, ["prefix"]),
    get: async (id, options) => get("users.get", pathOf(id), "username", options),
    lock: onUser("lock", "lock"),
    unlock: onUser("unlock", "unlock"),
    resetMfa: onUser("resetMfa", "reset-mfa"),
    endSessions: onUser("endSessions", "end-sessions"),
    setRole: onUser("setRole", "role", ["reason", "role"]),
    wallet: async (id, options) => get("users.wallet", `${pathOf(id)}/wallet`, "balances", options),
    transactions: (id, options = {}) => list("users.transactions", `${pathOf(id)}/transactions`, options),
    securityEvents: (id, options = {}) =>
      list("users.securityEvents", `${pathOf(id)}/security-events`, options)
  }
}
