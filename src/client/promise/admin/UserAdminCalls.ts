import * as Options from "../Options.ts"
import type { PagedList } from "../Pages.ts"
import type { CallOptions } from "../Requests.ts"
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
}

/** Makes the calls that administer users. */
export const make = ({ action, get, list }: AdminRequests): UserAdminCalls => {
  const onUser = <Body extends object = Reason>(name: string, path: string, fields = ["reason"]) =>
    action<ManagedUser, Body>(`users.${name}`, (id) => `/users/${id}/${path}`, fields)
  return {
    list: (options = {}) => list("users.list", "/users", options, ["prefix"]),
    get: async (id, options) =>
      get("users.get", `/users/${Options.pathId("userId", id)}`, "username", options),
    lock: onUser("lock", "lock"),
    unlock: onUser("unlock", "unlock"),
    resetMfa: onUser("resetMfa", "reset-mfa"),
    endSessions: onUser("endSessions", "end-sessions"),
    setRole: onUser("setRole", "role", ["reason", "role"])
  }
}
