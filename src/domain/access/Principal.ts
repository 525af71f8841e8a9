import type { NonEmptyReadonlyArray } from "effect/Array"
import type { SessionId } from "../accounts/Session.ts"
import type { UserId, Username } from "../accounts/User.ts"
import type { Scope } from "./ApiKey.ts"

/**
 * Owner of idempotency keys and quotes, under every name that it has had; new ones are stored under the first. All API
 * keys with one name have one owner, so that a program keeps its idempotency keys when its API key is renewed.
 */
export type Owner = NonEmptyReadonlyArray<string>

/** Owner of a conversion or a quote. */
export interface Identity {
  /**
   * The audit stores it: the id of an API key, `anonymous`, `user:` and the id of a user for a conversion in the wallet, or
   * `access-token:` and the id of a user for a conversion outside of it.
   */
  readonly id: string
  readonly owner: Owner
}

interface Scoped {
  readonly scopes: ReadonlyArray<Scope>
}

export interface AnonymousPrincipal extends Identity, Scoped {
  readonly kind: "anonymous"
}

export interface KeyPrincipal extends Identity, Scoped {
  readonly kind: "key"
}

/** A user who is signed in. An administrator has the scopes `admin` and `audit:read`. */
export interface UserPrincipal extends Scoped {
  readonly kind: "user" | "administrator"
  /** `user:` and the id of the user. */
  readonly id: string
  readonly userId: UserId
  readonly username: Username
  readonly sessionId: SessionId
}

/**
 * Identity that the credentials of a request resolved to. `Caller` is the service that holds the principal of the current
 * request.
 */
export type Principal = AnonymousPrincipal | KeyPrincipal | UserPrincipal

const ANONYMOUS_ID = "anonymous"

/**
 * Principal of a request without credentials. Anonymous callers are distinguished by an identity such as a hash of their
 * address. Versions before 0.2 stored all of them under one name.
 */
export const anonymous = (caller: string): AnonymousPrincipal => ({
  kind: "anonymous",
  id: ANONYMOUS_ID,
  owner: [`${ANONYMOUS_ID}:${caller}`, ANONYMOUS_ID],
  scopes: []
})

/** Principal id of a user. */
export const userPrincipalId = (user: UserId): string => `user:${user}`

/** Identity of a user who converts in the wallet, also if an API key sends the request. */
export const walletIdentityOf = (user: UserId): Identity => ({
  id: userPrincipalId(user),
  owner: [`wallet:${user}`]
})

/**
 * Owner of the idempotency keys of API keys that act for a user. Those for one user are independent of those for another, also if
 * one API key acts for both.
 */
export const actingOwnerOf = ({ owner: [name] }: KeyPrincipal, user: UserId): string => `${name} for ${user}`

/** Identity of a caller who converts outside of a wallet. That of a user has other quotes than the wallet. */
export const converterOf = (principal: Principal): Identity => {
  if (principal.kind === "anonymous" || principal.kind === "key") return principal
  const id = `access-token:${principal.userId}`
  return { id, owner: [id] }
}

/** Principal of a user by an access token. */
export const ofUser = ({
  role,
  ...user
}: Pick<UserPrincipal, "userId" | "username" | "sessionId"> & {
  readonly role: "user" | "admin"
}): UserPrincipal => ({
  ...user,
  id: userPrincipalId(user.userId),
  kind: role === "admin" ? "administrator" : "user",
  scopes: role === "admin" ? ["admin", "audit:read"] : []
})
