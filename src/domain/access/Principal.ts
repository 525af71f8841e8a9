import type { NonEmptyReadonlyArray } from "effect/Array"
import type { Scope } from "./ApiKey.ts"

/**
 * Owner of idempotency keys and quotes, under every name that it has had; new ones are stored under the first. All API
 * keys with one name have one owner, so that a program keeps its idempotency keys when its API key is renewed.
 */
export type Owner = NonEmptyReadonlyArray<string>

/**
 * Identity that the credentials of a request resolved to: an API key, or an anonymous caller. The audit stores its `id`.
 * `Caller` is the service that holds the principal of the current request.
 */
export interface Principal {
  /** The id of an API key, or `anonymous`. */
  readonly id: string
  readonly owner: Owner
  readonly scopes: ReadonlyArray<Scope>
}

const ANONYMOUS_ID = "anonymous"

/**
 * Principal of a request without an API key. Anonymous callers are told apart by an identity such as a hash of their
 * address. Versions before 0.2 stored all of them under one name.
 */
export const anonymous = (caller: string): Principal => ({
  id: ANONYMOUS_ID,
  owner: [`${ANONYMOUS_ID}:${caller}`, ANONYMOUS_ID],
  scopes: []
})
